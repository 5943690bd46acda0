/**
 * The service worker: the page opens without a network, from the files of the build it was installed with. It never touches
 * the API or the live stream. A new build is a new worker with a store of its own; it waits until no tab shows the old build
 * any more, because that still needs its parts, and then lets the old store go.
 */
import { route } from "./routes";

/** Put in by the build: every file of the page, and a hash of their names and of the page. */
declare const __FILES__: readonly string[];
declare const __VERSION__: string;

/** What TypeScript's list of the page's own world lacks of a worker's. */
interface Waiting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Waiting {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Worker {
  addEventListener(type: "install" | "activate", listener: (event: Waiting) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetching) => void): void;
  clients: { claim(): Promise<void> };
}
declare const self: Worker & { location: Location };

const PREFIX = "godwit-shell-";
const SHELL = PREFIX + __VERSION__;
const BASEMAP = "godwit-basemap";
/** Tiles kept: a country at all zooms, about 10 MB. */
const MOST_TILES = 600;
/** A proxy without a server behind it. */
const GATEWAY = [502, 503, 504];

/** A file of the build: one that an earlier build had too is not fetched again. */
async function keep(store: Cache, url: string): Promise<void> {
  const hashed = url.startsWith("/assets/");
  const had = hashed ? await caches.match(url) : undefined;
  const answer = had ?? await fetch(url, { cache: hashed ? "default" : "no-cache" });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  await store.put(url, answer);
}

/** One file after the other: Chromium stops for ever when many large answers go from one store into another at once. */
async function install(): Promise<void> {
  const store = await caches.open(SHELL);
  for (const url of __FILES__) await keep(store, url);
}

self.addEventListener("install", (event) => event.waitUntil(install()));

self.addEventListener("activate", (event) => {
  const old = (name: string) => name.startsWith(PREFIX) && name !== SHELL;
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});

async function page(request: Request): Promise<Response> {
  const shell = () => caches.match("/");
  try {
    const answer = await fetch(request);
    return GATEWAY.includes(answer.status) ? await shell() ?? answer : answer;
  } catch (error) {
    const kept = await shell();
    if (kept === undefined) throw error;
    return kept;
  }
}

async function asset(request: Request): Promise<Response> {
  const kept = await caches.match(request);
  if (kept !== undefined) return kept;
  const answer = await fetch(request);
  // A language, or a part of a build newer than this worker.
  if (answer.ok) await (await caches.open(SHELL)).put(request, answer.clone());
  return answer;
}

async function renewTile(store: Cache, request: Request): Promise<Response> {
  const answer = await fetch(request);
  if (answer.ok) {
    await store.put(request, answer.clone());
    const kept = await store.keys();
    await Promise.all(kept.slice(0, Math.max(0, kept.length - MOST_TILES)).map((one) => store.delete(one)));
  }
  return answer;
}

async function tile(event: Fetching): Promise<Response> {
  const store = await caches.open(BASEMAP);
  const kept = await store.match(event.request);
  const renewed = renewTile(store, event.request);
  if (kept === undefined) return renewed;
  // Without a network the kept one does.
  event.waitUntil(renewed.catch(() => {}));
  return kept;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  switch (route(url.pathname, request.mode === "navigate")) {
    case "page": event.respondWith(page(request)); break;
    case "asset": event.respondWith(asset(request)); break;
    case "basemap": event.respondWith(tile(event)); break;
    case "past": break;
  }
});
