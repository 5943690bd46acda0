/** Lower right: the list, the filter, the map's menu, position and zoom. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { test } from "../live/filter";
import { Choice } from "./choice";
import { t } from "./i18n";
import { Icon, type IconName } from "./icons";
import { lazy } from "./lazy";
import type { Page } from "./page";
import { THEMES, kept, theme } from "./settings";

/** The base map of choice, kept in this browser; empty: the embedded one. */
const basemap = kept("godwit.basemap", (stored) => stored ?? "", (id) => id);

const PageLinks = lazy(() => import("./panels/page-links").then((one) => one.PageLinks));
const LayerChoices = lazy(() => import("./panels/layer-choices").then((one) => one.LayerChoices));

function Menu({ page }: { page: Page }) {
  const { basemaps } = page.settings;
  return (
    <div class="menu panel" id="menu">
      <Choice name="theme" title={t("menu.theme")} options={THEMES} chosen={theme} text={(one) => t(`menu.theme.${one}`)} />
      {basemaps.length > 0 && (
        <Choice
          name="basemap"
          title={t("menu.basemap")}
          options={["", ...basemaps.map((one) => one.id)]}
          chosen={basemap}
          text={(id) => basemaps.find((one) => one.id === id)?.name ?? t("menu.basemap.builtin")}
        />
      )}
      <LayerChoices page={page} />
      <PageLinks />
      <button type="button" class="text" onClick={() => page.openOver("settings")}>{t("menu.settings")}</button>
    </div>
  );
}

/** A round button that opens something and shows whether it is open. */
function Round(props: { icon: IconName; label: string; active?: boolean; expanded?: boolean; controls?: string; press: () => void }) {
  return (
    <button
      type="button" class="panel round" data-active={props.active} aria-label={props.label} title={props.label}
      aria-expanded={props.expanded} aria-controls={props.controls} onClick={props.press}
    >
      <Icon name={props.icon} />
    </button>
  );
}

export function Controls({ page }: { page: Page }) {
  const trouble = useSignal("");
  const box = useRef<HTMLElement>(null);

  useEffect(() => {
    const away = (event: PointerEvent) => {
      if (page.over.value === "menu" && !box.current?.contains(event.target as Node)) page.openOver("");
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, []);

  useEffect(() => {
    // One that the operator no longer offers is forgotten.
    if (!page.settings.basemaps.some((one) => one.id === basemap.peek())) basemap.value = "";
    let begun = false;
    return basemap.subscribe((id) => {
      // The first call tells what already is: the map begins with its own base map.
      if (begun || id !== "") page.setBasemap(id);
      begun = true;
    });
  }, []);

  const filtered = test(page.filter.value) !== null;
  const toggle = (side: "list" | "filter") => page.openSide(page.side.value === side && page.selection.value === null ? "" : side);
  const locate = () => {
    trouble.value = "";
    navigator.geolocation.getCurrentPosition(
      ({ coords: { latitude: lat, longitude: lng } }) => {
        // The point that distances are measured from, too.
        page.setFrom({ lat, lng });
        page.flyToPoint(lat, lng);
      },
      () => {
        trouble.value = t("locate.failed");
      },
      { timeout: 15_000, maximumAge: 60_000 },
    );
  };

  return (
    <section class="controls" ref={box} aria-label={t("controls.label")}>
      {trouble.value !== "" && <p class="trouble panel" role="alert">{trouble.value}</p>}
      <Round icon="list" label={t("list.open")} expanded={page.side.value === "list"} press={() => toggle("list")} />
      <Round icon="filter" label={t(filtered ? "filter.open.active" : "filter.open")} active={filtered}
        expanded={page.side.value === "filter"} press={() => toggle("filter")} />
      <Round icon="time" label={t("time.open")} expanded={page.at.value !== null} press={() => page.openTime()} />
      <Round icon="layers" label={t("menu.open")} expanded={page.over.value === "menu"} controls="menu"
        press={() => page.openOver(page.over.value === "menu" ? "" : "menu")} />
      {page.over.value === "menu" && <Menu page={page} />}
      {/* Browsers give a position to secure pages only. */}
      {isSecureContext && "geolocation" in navigator && <Round icon="locate" label={t("locate")} press={locate} />}
      <div class="zoom panel">
        <button type="button" aria-label={t("zoom.in")} title={t("zoom.in")} onClick={() => page.zoomIn()}>
          <Icon name="plus" />
        </button>
        <button type="button" aria-label={t("zoom.out")} title={t("zoom.out")} onClick={() => page.zoomOut()}>
          <Icon name="minus" />
        </button>
      </div>
    </section>
  );
}
