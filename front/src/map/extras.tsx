/**
 * What the map shows beyond ground, symbols and names: loaded when the first picture is there. Trails, radio paths, reach
 * and vagueness, shapes, fans; and their part of the card.
 */
import "./extras.css";
import "../ui/texts.en.tools";
import { effect, untracked } from "@preact/signals";
import { distance } from "../ui/format";
import { number, plural, t } from "../ui/i18n";
import { Icon } from "../ui/icons";
import { lazy } from "../ui/lazy";
import type { Page } from "../ui/page";
import { units } from "../ui/units";
import { visible } from "../ui/visible";
import type { Core } from "./core";
import { Fan } from "./fan";
import { Hops, carried } from "./hops";
import { Reach } from "./reach";
import { TRAIL_HOURS, layers, parseLayers, parseTrail, trailHours } from "./shown";
import { Trails } from "./trails";

export interface Extras {
  /** A part of the card: the trail and the radio path of what is selected. */
  CardSection: () => preact.JSX.Element;
  /** The details of a pressed point of the trail, beside that point. */
  PointPopup: () => preact.JSX.Element | null;
}

const PointPopup = lazy(() => import("./point-popup").then((part) => part.PointPopup));

export function startExtras(core: Core, page: Page): Extras {
  const fan = new Fan(core);
  const trails = new Trails(core, page);
  const hops = new Hops(core, page, trails);
  const reach = new Reach(core, page);
  for (const part of [reach, trails, hops, fan]) core.add(part);
  core.onChange(() => {
    trails.follow();
    fan.follow();
    reach.look();
  });

  let length = trailHours.peek();
  effect(() => {
    const selection = page.selection.value;
    untracked(() => {
      hops.drop();
      fan.close();
      trails.select(selection);
    });
  });
  effect(() => {
    const now = trailHours.value;
    if (now === length) return;
    length = now;
    untracked(() => {
      hops.drop();
      trails.restart();
      page.addressLater();
    });
  });
  effect(() => {
    const moment = page.moment.value;
    untracked(() => trails.setMoment(moment));
  });
  effect(() => {
    if (page.at.value !== undefined) untracked(() => hops.again());
  });
  let started = false;
  effect(() => {
    const shown = layers.value;
    core.redraw();
    if (!started && (shown.has("grid") || shown.has("night"))) {
      started = true;
      import("./layers").then(
        ({ startLayers }) => startLayers(core, page),
        (error: unknown) => {
          started = false;
          console.warn(`layers of the map: ${String(error)}`);
        },
      );
    }
    page.addressLater();
  });
  effect(() => {
    if (trails.showHidden.value !== null) core.redraw();
  });
  effect(() => {
    const chosen = trails.chosen.value;
    untracked(() => {
      core.redraw();
      if (chosen === null || chosen.fix.id === "") hops.drop();
      else hops.hold(chosen.fix.id);
    });
  });
  addEventListener("popstate", () => {
    trailHours.value = parseTrail(location.search);
    layers.value = parseLayers(location.search) ?? layers.value;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || (!fan.open && trails.chosen.peek() === null)) return;
    event.stopImmediatePropagation();
    fan.close();
    trails.chosen.value = null;
  }, true);
  trails.moved();
  reach.look();
  return {
    CardSection: () => <Section page={page} trails={trails} hops={hops} />,
    PointPopup: () => (trails.chosen.value === null ? null : <PointPopup core={core} page={page} trails={trails} hops={hops} />),
  };
}

function hoursText(hours: number): string {
  return hours > 24 && hours % 24 === 0 ? t("trail.days", { count: number(hours / 24) }) : plural("trail.length", hours);
}

function Section({ page, trails, hops }: { page: Page; trails: Trails; hops: Hops }) {
  return (
    <section class="trail" aria-labelledby="trail-title">
      <div class="head">
        <h3 id="trail-title">{t("trail.title")}</h3>
        <label class="pick-one">
          <span class="visually-hidden">{t("trail.hours")}</span>
          <select
            value={trailHours.value}
            onChange={(event) => {
              trailHours.value = Number(event.currentTarget.value);
            }}
          >
            {[...new Set([...TRAIL_HOURS, trailHours.value])].sort((a, b) => a - b).map((hours) => (
              <option key={hours} value={hours}>{hoursText(hours)}</option>
            ))}
          </select>
        </label>
      </div>
      <Summary trails={trails} />
      <Path page={page} hops={hops} />
    </section>
  );
}

function Summary({ trails }: { trails: Trails }) {
  const state = trails.state.value;
  if (state.kind === "loading") return <p class="faint">{t("trail.loading")}</p>;
  if (state.kind === "failed") return <p class="faint" role="alert">{t("trail.failed", { reason: state.reason })}</p>;
  const moved = state.positions > 1 && state.km >= 0.1;
  return (
    <>
      <p>{moved ? plural("trail.summary", state.positions, { distance: distance(state.km, units.value) }) : t("trail.still")}</p>
      {state.truncated && <p class="faint">{t("trail.cut")}</p>}
      {moved && trails.chosen.value === null && <p class="faint">{t("trail.hint")}</p>}
      {state.hidden > 0 && (
        <label class="tick">
          <input
            type="checkbox"
            checked={trails.showHidden.value}
            onChange={(event) => {
              trails.showHidden.value = event.currentTarget.checked;
            }}
          />
          <span>{plural("trail.hidden", state.hidden)}</span>
        </label>
      )}
    </>
  );
}

function Path({ page, hops }: { page: Page; hops: Hops }) {
  const state = hops.state.value;
  const held = hops.held.value;
  const detail = page.detail.value;
  const shown = detail.kind === "loaded" ? detail.station.raw : "";
  return (
    <>
      <button type="button" class="action" aria-pressed={held} onClick={() => (held ? hops.drop() : hops.hold(null))}>
        <Icon name="link" /><span>{t(held ? "hops.hide" : "hops.show")}</span>
      </button>
      {held && state.kind === "loading" && <p class="faint">{t("hops.loading")}</p>}
      {held && state.kind === "failed" && <p class="faint" role="alert">{t("hops.failed", { reason: state.reason })}</p>}
      {held && (state.kind === "none" || (state.kind === "loaded" && carried(state.packet).length < 2)) && <p class="faint">{t("hops.none")}</p>}
      {held && state.kind === "loaded" && (
        <>
          <ol class="hops" aria-label={t("hops.title")}>
            {carried(state.packet).map((hop, i) => (
              <li key={i}>
                {hop.role === "source"
                  ? <b dir="auto">{visible(hop.callsign)}</b>
                  : <button type="button" class="text" dir="auto" onClick={() => page.open({ name: hop.callsign, kind: "station" }, true)}>{visible(hop.callsign)}</button>}
                <span class="faint">
                  {t(`hops.${hop.role}`)}{hop.latitude === undefined && ` · ${t("hops.nowhere")}`}
                </span>
              </li>
            ))}
          </ol>
          <button type="button" class="text" onClick={() => hops.fit()}>{t("hops.fit")}</button>
          {/* The card shows the newest packet already. */}
          {state.packet.raw !== shown && <code class="line" dir="ltr">{visible(state.packet.raw)}</code>}
        </>
      )}
    </>
  );
}
