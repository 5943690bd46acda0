/** Distance and bearing from point to point: a press on the map, or Enter for its middle, sets the next point. */
import "../texts.en.tools";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { Ruler, addPoint, dropPoint } from "../../map/ruler";
import { MOST_POINTS, parseRuler, ruler } from "../../map/shown";
import { bearing, distance, latLng, locator } from "../format";
import { way } from "../geo";
import { plural, t } from "../i18n";
import { CourseArrow } from "../icons";
import type { Page } from "../page";
import { units } from "../units";
import type { LatLng } from "../url";
import { CopyButton } from "./copy";
import { Heading, SideFrame } from "./side";

let drawn = false;

/** Draws the ruler as long as its panel lies beside the map; with it the points go. */
function startRuler(page: Page): void {
  const core = page.map?.core;
  if (drawn || core === undefined) return;
  drawn = true;
  // Forward in the history: the points come back.
  if (ruler.peek().length === 0) ruler.value = parseRuler(location.search);
  const remove = core.add(new Ruler(core, page));
  const stops = [
    ruler.subscribe(() => {
      core.redraw();
      page.addressLater();
    }),
    units.subscribe(() => core.redraw()),
    page.side.subscribe((side) => {
      if (side === "ruler") return;
      queueMicrotask(() => {
        for (const stop of stops) stop();
        remove();
        ruler.value = [];
        drawn = false;
        page.addressLater();
      });
    }),
  ];
}

function legText(from: LatLng, to: LatLng): string {
  const { km, deg } = way(from, to);
  return `${distance(km, units.value)}, ${bearing(deg)}`;
}

export function RulerPanel({ page }: { page: Page }) {
  const points = ruler.value;
  const legs = points.slice(1).map((to, i) => ({ from: points[i] as LatLng, to }));
  const totalKm = legs.reduce((sum, { from, to }) => sum + way(from, to).km, 0);
  const [first, last] = [points[0], points.at(-1)];
  // With the panel, not a frame later: a quick press on the map is a point already.
  useLayoutEffect(() => startRuler(page), []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const onMap = (event.target as HTMLElement | null)?.closest?.("#map") != null;
      if (!onMap || (event.key !== "Enter" && event.key !== "Backspace")) return;
      event.preventDefault();
      if (event.key === "Enter") addPoint(page.view.peek());
      else dropPoint();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <SideFrame id="ruler-title" class="ruler" close={() => page.close()} head={(
      <div class="who">
        <Heading id="ruler-title">{t("ruler.title")}</Heading>
        <p class="faint" role="status">
          {legs.length === 0 ? t(points.length === 0 ? "ruler.begin" : "ruler.next") : t("ruler.total", { distance: distance(totalKm, units.value) })}
        </p>
      </div>
    )}>
      <p class="hint faint">{t("ruler.hint")}</p>
      {first !== undefined && <p class="rulerpoint"><b>1</b> {latLng(first.lat, first.lng)} · {locator(first.lat, first.lng)}</p>}
      <ol class="rows legs">
        {legs.map(({ from, to }, i) => (
          <li key={i}>
            <p><CourseArrow deg={way(from, to).deg} /> <b>{legText(from, to)}</b></p>
            <p class="rulerpoint"><b>{i + 2}</b> {latLng(to.lat, to.lng)} · {locator(to.lat, to.lng)}</p>
          </li>
        ))}
      </ol>
      {legs.length > 1 && first !== undefined && last !== undefined && (
        <p class="straight">{t("ruler.straight", { way: legText(first, last) })}</p>
      )}
      {points.length >= MOST_POINTS && <p class="note">{plural("ruler.full", MOST_POINTS)}</p>}
      <div class="actions">
        <button type="button" class="action" disabled={points.length >= MOST_POINTS} onClick={() => addPoint(page.view.value)}>{t("ruler.middle")}</button>
        <button type="button" class="action" disabled={points.length === 0} onClick={dropPoint}>{t("ruler.undo")}</button>
        <button type="button" class="action" disabled={points.length === 0} onClick={() => {
          ruler.value = [];
        }}>{t("ruler.clear")}</button>
        <CopyButton icon="link" label={t("card.link")} text={() => page.link()} />
      </div>
    </SideFrame>
  );
}
