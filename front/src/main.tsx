/** Starts what the address names: the map (connection first, then the map, then what lies over it), or another page. */
import "./ui/tokens.css";
import "./ui/page.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import { Stage } from "./live/stage";
import { LiveStream } from "./live/stream";
import { World } from "./live/world";
import { createMap } from "./map";
import { type PageAddress, pageAddress } from "./pages/address";
// Keeps its part of the address from the first moment on.
import "./map/shown";
import { pageSettings } from "./ui/api";
import { App } from "./ui/app";
import { language, t } from "./ui/i18n";
import { startInstall } from "./ui/install";
import { Page } from "./ui/page";
import { dark, startLanguage, startMotion, startTheme, still } from "./ui/settings";
import { parsePlace } from "./ui/url";

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found;
}

async function start(): Promise<void> {
  startTheme();
  startMotion();
  const texts = startLanguage();
  const world = new World();
  const stream = new LiveStream(world, new URL("/live/v1/ws", location.href).href.replace(/^http/, "ws"));
  stream.start();
  const place = parsePlace(location.pathname, location.search);
  const [settings] = await Promise.all([pageSettings(), texts]);
  const stage = new Stage(world);
  const page = new Page(stage, stream, settings, place);
  const mapElement = element("map");
  effect(() => {
    document.documentElement.lang = language();
    mapElement.setAttribute("aria-label", t("app.map"));
  });
  try {
    const map = createMap(mapElement, stage, {
      view: page.view.value,
      dark: dark.value,
      basemaps: page.settings.basemaps,
      reducedMotion: still.value,
      language: language(),
    });
    effect(() => map.setLanguage(language()));
    effect(() => map.setDark(dark.value));
    effect(() => map.setReducedMotion(still.value));
    page.attach(map, place);
    const loadExtras = () => {
      import("./map/extras").then(
        ({ startExtras }) => {
          page.extras.value = startExtras(map.core, page);
        },
        (error: unknown) => console.warn(`extras of the map: ${String(error)}`),
      );
    };
    // Once the first picture is drawn; without it the map is poorer, not broken. A busy machine is never idle.
    if ("requestIdleCallback" in window) requestIdleCallback(loadExtras, { timeout: 2000 });
    else setTimeout(loadExtras, 500);
  } catch (error) {
    console.error(error);
    mapElement.textContent = t("map.failed", { reason: error instanceof Error ? error.message : String(error) });
  }
  render(<App page={page} />, element("app"));
  startInstall();
}

/** A page without a map: packets, a station, weather, status ... */
async function startPage(address: PageAddress): Promise<void> {
  startTheme();
  startMotion();
  const texts = startLanguage();
  element("map").remove();
  effect(() => {
    document.documentElement.lang = language();
  });
  try {
    const [{ showPage }] = await Promise.all([import("./pages/frame"), texts]);
    await showPage(element("app"), address);
  } catch (error) {
    console.error(error);
    element("app").textContent = t("part.failed");
  }
  startInstall();
}

const address = pageAddress(location.pathname);
void (address === null ? start() : startPage(address));
