/** The frame of the pages beside the map: where one can go, the settings, and the page that the address names. */
import "../ui/texts.en.panels";
import "../ui/panels/panels.css";
import "./pages.css";
import { signal } from "@preact/signals";
import { type ComponentType, render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type PageSettings, pageSettings } from "../ui/api";
import { t } from "../ui/i18n";
import { Icon } from "../ui/icons";
import { lazy } from "../ui/lazy";
import { visible } from "../ui/visible";
import { type PageAddress, type PageName, pagePath } from "./address";
import { p, textsReady } from "./texts";

export interface PageProps {
  name: string | null;
  settings: PageSettings;
}

const SettingsDialog = lazy(() => import("../ui/panels/settings-dialog").then((part) => part.SettingsDialog));
const PARTS: Readonly<Record<PageName, ComponentType<PageProps>>> = {
  packets: lazy(() => import("./packets").then((part) => part.Packets)),
  badpackets: lazy(() => import("./packets").then((part) => part.BadPackets)),
  info: lazy(() => import("./info").then((part) => part.Info)),
  weather: lazy(() => import("./weather").then((part) => part.Weather)),
  status: lazy(() => import("./status").then((part) => part.Status)),
  api: lazy(() => import("./routes").then((part) => part.Api)),
  about: lazy(() => import("./about").then((part) => part.About)),
};
/** What the bar leads to; the others are about a name and are reached from it. */
const BAR: readonly PageName[] = ["packets", "badpackets", "weather", "status", "api", "about"];

const settingsOpen = signal(false);

/** "N0CALL-9 · Packets · Godwit" */
function title({ page, name }: PageAddress): string {
  return [name === null ? null : visible(name), p(`title.${page}`), "Godwit"].filter(Boolean).join(" · ");
}

function Bar({ page }: { page: PageName }) {
  const here = useRef<HTMLAnchorElement>(null);
  // On a phone the bar is wider than the window.
  useEffect(() => here.current?.scrollIntoView({ block: "nearest", inline: "center" }), []);
  return (
    <header class="page-bar">
      <a class="brand" href="/"><Icon name="pin" /> {t("app.name")}</a>
      <nav aria-label={p("nav.label")}>
        <ul>
          <li><a href="/">{p("nav.map")}</a></li>
          {BAR.map((one) => <li key={one}><a href={pagePath(one)} ref={one === page ? here : null} aria-current={one === page ? "page" : undefined}>{p(`title.${one}`)}</a></li>)}
        </ul>
      </nav>
      <button type="button" class="quiet" aria-label={t("settings.title")} title={t("settings.title")} onClick={() => {
        settingsOpen.value = true;
      }}><Icon name="settings" /></button>
    </header>
  );
}

function Frame({ address, settings }: { address: PageAddress; settings: PageSettings }) {
  const Part = PARTS[address.page];
  const said = title(address);
  useEffect(() => {
    document.title = said;
  }, [said]);
  return (
    <>
      <a class="skip panel" href="#content">{p("nav.skip")}</a>
      <Bar page={address.page} />
      <main id="content" class="page" tabIndex={-1}>
        <Part name={address.name} settings={settings} />
      </main>
      {settingsOpen.value && <SettingsDialog version={settings.version} close={() => {
        settingsOpen.value = false;
      }} />}
    </>
  );
}

/** Shows a page. Links between pages and the map are links: the browser keeps Back, and each begins anew. */
export async function showPage(into: HTMLElement, address: PageAddress): Promise<void> {
  document.documentElement.dataset.page = address.page;
  const [settings] = await Promise.all([pageSettings(), textsReady()]);
  render(<Frame address={address} settings={settings} />, into);
}
