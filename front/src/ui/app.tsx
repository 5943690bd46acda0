/** The page over the map: what is where. All that is not in the first picture is fetched when it is first wanted. */
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { FilterChip } from "./chip";
import { startDrop } from "./drop";
import { t } from "./i18n";
import { startKeys } from "./keys";
import { lazy, prefetchWhenIdle } from "./lazy";
import { Controls } from "./menu";
import { OfflineNotice } from "./offline";
import type { Page } from "./page";
import { Search } from "./search";
import { Status } from "./status";

const Card = lazy(() => import("./panels/card").then((part) => part.Card));
const Picker = lazy(() => import("./panels/picker").then((part) => part.Picker));
const ListPanel = lazy(() => import("./panels/list-panel").then((part) => part.ListPanel));
const NearPanel = lazy(() => import("./panels/near").then((part) => part.NearPanel));
const MarkedPanel = lazy(() => import("./panels/marked").then((part) => part.MarkedPanel));
const FilterPanel = lazy(() => import("./panels/filter").then((part) => part.FilterPanel));
const RulerPanel = lazy(() => import("./panels/ruler").then((part) => part.RulerPanel));
const FilesPanel = lazy(() => import("./panels/files").then((part) => part.FilesPanel));
const PointMenu = lazy(() => import("./panels/point-menu").then((part) => part.PointMenu));
const TimeBar = lazy(() => import("../time/bar").then((part) => part.TimeBar));
const SettingsDialog = lazy(() => import("./panels/settings-dialog").then((part) => part.SettingsDialog));
const HelpDialog = lazy(() => import("./panels/help-dialog").then((part) => part.HelpDialog));

/** The one thing beside the map: what was asked for last lies on top. */
function Beside({ page }: { page: Page }) {
  const selection = page.selection.value;
  if (page.picked.value.length > 0) return <Picker page={page} />;
  if (selection !== null) return <Card page={page} selection={selection} />;
  switch (page.side.value) {
    case "list": return <ListPanel page={page} />;
    case "near": return <NearPanel page={page} />;
    case "marked": return <MarkedPanel page={page} />;
    case "filter": return <FilterPanel page={page} />;
    case "ruler": return <RulerPanel page={page} />;
    case "files": return <FilesPanel page={page} />;
    default: return null;
  }
}

export function App({ page }: { page: Page }) {
  const search = useRef<HTMLInputElement>(null);
  // With the page: a key pressed at once is not lost.
  useLayoutEffect(() => startKeys(page, () => {
    search.current?.focus();
    search.current?.select();
  }), []);
  useEffect(() => prefetchWhenIdle(Card, ListPanel), []);
  useEffect(() => startDrop(page), []);
  const point = page.pointMenu.value;
  const Point = page.extras.value?.PointPopup;
  return (
    <>
      <button type="button" class="skip panel" onClick={() => page.openSide("list")}>{t("skip.list")}</button>
      <div class="bar">
        <Search page={page} input={search} />
        <div class="states">
          <Status page={page} />
          <FilterChip page={page} />
        </div>
      </div>
      <OfflineNotice page={page} />
      {Point !== undefined && <Point />}
      <Beside page={page} />
      <Controls page={page} />
      {page.at.value !== null && <TimeBar page={page} />}
      {point !== null && <PointMenu page={page} point={point} />}
      {page.over.value === "settings" && (
        <SettingsDialog version={page.settings.version} close={() => page.openOver("")} help={() => page.openOver("help")} />
      )}
      {page.over.value === "help" && <HelpDialog page={page} />}
    </>
  );
}
