/** What is known of a pressed point of the trail, in a box at that point: it moves with the map and stays within what is free. */
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Age } from "../ui/age";
import { bearing, height, moment, speed } from "../ui/format";
import { t, worded } from "../ui/i18n";
import { Icon } from "../ui/icons";
import type { Page } from "../ui/page";
import { units } from "../ui/units";
import { visible } from "../ui/visible";
import type { Core } from "./core";
import { type Hops, carried } from "./hops";
import type { Trails } from "./trails";

/** Pixels between the point and the box, and between the box and what bounds it. */
const GAP_PX = 14;
const EDGE_PX = 8;
/** What the search and the state take of the top. */
const TOP_PX = 64;

/** The part of the window that neither a column nor a sheet covers. */
function free(): { left: number; right: number; top: number; bottom: number } {
  const room = { left: EDGE_PX, right: innerWidth - EDGE_PX, top: TOP_PX, bottom: innerHeight - EDGE_PX };
  const side = document.querySelector(".side")?.getBoundingClientRect();
  if (side === undefined) return room;
  if (side.width > innerWidth * 0.9) room.bottom = Math.max(TOP_PX * 2, side.top - EDGE_PX);
  else room.left = side.right + EDGE_PX;
  return room;
}

export function PointPopup({ core, page, trails, hops }: { core: Core; page: Page; trails: Trails; hops: Hops }) {
  const chosen = trails.chosen.value;
  const box = useRef<HTMLElement>(null);
  const moved = useSignal(0);
  useEffect(() => {
    const map = core.leaflet;
    const tell = () => {
      moved.value++;
    };
    map.on("move zoomend resize", tell);
    return () => {
      map.off("move zoomend resize", tell);
    };
  }, []);
  const path = hops.state.value;
  const detail = page.detail.value;
  const side = page.side.value;
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || chosen === null) return;
    const at = core.leaflet.latLngToContainerPoint([chosen.fix.lat, chosen.fix.lng]);
    // The copy of the world that is seen.
    const world = core.frame.scale;
    const x = at.x - Math.round((at.x - innerWidth / 2) / world) * world;
    const room = free();
    const { offsetWidth: wide, offsetHeight: high } = element;
    const above = at.y - GAP_PX - high;
    const left = Math.max(room.left, Math.min(room.right - wide, x - wide / 2));
    const top = above >= room.top ? above : at.y + GAP_PX;
    element.style.left = `${Math.round(left)}px`;
    element.style.top = `${Math.round(Math.max(room.top, Math.min(room.bottom - high, top)))}px`;
  }, [chosen, moved.value, path, detail, side]);
  if (chosen === null) return null;
  const { fix } = chosen;
  const unit = units.value;
  const figures = [
    Number.isNaN(fix.speedKmh) ? "" : speed(fix.speedKmh, unit),
    Number.isNaN(fix.courseDeg) ? "" : bearing(fix.courseDeg),
    Number.isNaN(fix.altitudeM) ? "" : height(fix.altitudeM, unit),
  ].filter((one) => one !== "").join(" · ");
  return (
    <section class="point panel" aria-label={t("trail.point")} ref={box}>
      <button
        type="button"
        class="quiet"
        aria-label={t("trail.point.close")}
        onClick={() => {
          trails.chosen.value = null;
        }}
      >
        <Icon name="close" />
      </button>
      <p><b><Age page={page} atMs={fix.ms} /></b></p>
      <p>{moment(fix.ms).split("\n")[0]}</p>
      {figures !== "" && <p>{figures}</p>}
      {fix.reason !== "" && <p class="reason">{t("trail.point.reason", { reason: worded("trail.reason", fix.reason, fix.reason) })}</p>}
      {fix.id === "" && <p>{t("trail.point.live")}</p>}
      {path.kind === "loaded" && path.packet.id === fix.id && carried(path.packet).length > 1 && (
        <p>{carried(path.packet).map((hop) => visible(hop.callsign)).join(" › ")}</p>
      )}
    </section>
  );
}
