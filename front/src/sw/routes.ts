/** What the service worker has to do with a request. Everything not named here goes past it: the API, the live stream, probes. */

export type Route =
  /** The page itself, whatever page or callsign is its path: from the network, and from the store when there is none. */
  | "page"
  /** A file with a content hash in its name: from the store for ever. */
  | "asset"
  /** A tile of the embedded base map: from the store, renewed behind the viewer's back. */
  | "basemap"
  | "past";

/** Paths of one element that are not the page. */
const PROBES = new Set(["livez", "readyz", "healthz", "metrics"]);

/** As `pages/address.ts` has it; the worker is one file and imports nothing that the page has too. */
const PAGES_OF_A_NAME = new Set(["packets", "info", "weather"]);

export function route(path: string, navigates: boolean): Route {
  if (navigates) {
    const [, first = "", ...more] = path.split("/");
    if (more.length === 1 && PAGES_OF_A_NAME.has(first)) return "page";
    return more.length === 0 && !first.includes(".") && !PROBES.has(first) ? "page" : "past";
  }
  if (/^\/assets\/[^/]+$/.test(path) || path === "/manifest.webmanifest") return "asset";
  return /^\/basemap\/\d+\/\d+\/\d+\.mvt$/.test(path) ? "basemap" : "past";
}
