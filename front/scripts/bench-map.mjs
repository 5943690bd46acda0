/**
 * What the map costs the main thread, beside Leaflet with its canvas renderer in the same browser and the same run:
 * 20,000 symbols with labels and 200 updates a second; then panning with 100,000 entities known. Software GL.
 * Needs `npm run build`. Prints milliseconds of main-thread tasks a second and their ratio; fails under the floor.
 */
import { readFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { chromium } from "@playwright/test";
import { WebSocketServer } from "ws";
import { delta, encodeBatch, hello, message, pulse, snapshot } from "../tests/encoder.mjs";

const DIST = new URL("../dist/", import.meta.url).pathname;
const LEAFLET = new URL("../node_modules/leaflet/dist/leaflet.js", import.meta.url).pathname;
const SECONDS = Number(process.env.SECONDS ?? 8);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const UPDATES_PER_S = 200;
const LABELS = 400;
const FLOOR = 5;
const ZOOM = 9;
const LEVEL = 7;
const VIEW = { width: 1280, height: 800 };
const CENTRE = { lat: 48, lng: 11 };
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

const SCALE = 256 * 2 ** ZOOM;
const mercator = ({ lat, lng }) => {
  const s = Math.sin((lat * Math.PI) / 180);
  return [lng / 360 + 0.5, 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)];
};
let state = 7;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

/** So many entities around the middle, in an area so many pixels wide and high. */
function world(count, width, height) {
  const [cx, cy] = mercator(CENTRE);
  return Array.from({ length: count }, (_, i) => ({
    id: i + 1, name: `N${i}`, code: ">k[_#-YOb"[i % 9], table: "/", course: i % 180, speed: i % 3 === 0 ? 500 : 0, age: 1, interval: 2,
    mx: cx + ((random() - 0.5) * width) / SCALE, my: cy + ((random() - 0.5) * height) / SCALE,
  }));
}

const SIDE = 2 ** LEVEL;
const tileOf = (one) => `${LEVEL}/${Math.floor(one.mx * SIDE)}/${Math.floor(one.my * SIDE)}`;
const wire = (one) => ({ ...one, x: Math.floor(((one.mx * SIDE) % 1) * 65536), y: Math.floor(((one.my * SIDE) % 1) * 65536) });

/** The page of the comparison: each marker an image, the same number of labels, moved by setLatLng as everybody does. */
const PLAIN = `<!doctype html><meta charset="utf-8"><style>html,body,#map{height:100%;margin:0}.leaflet-pane,.leaflet-pane>canvas{position:absolute;left:0;top:0}
.leaflet-container{overflow:hidden;position:relative}</style><div id="map"></div><script src="/leaflet.js"></script><script>
const map = L.map("map", { renderer: L.canvas({ padding: 0.25 }), zoomControl: false, attributionControl: false }).setView([${CENTRE.lat}, ${CENTRE.lng}], ${ZOOM});
const sprite = document.createElement("canvas"); sprite.width = sprite.height = 24;
const pen = sprite.getContext("2d"); pen.fillStyle = "#b33"; pen.fillRect(3, 7, 18, 10); pen.fillStyle = "#fff"; pen.fillRect(6, 9, 5, 4);
const Mark = L.CircleMarker.extend({ _updatePath() {
  if (!this._renderer._drawing || this._empty()) return;
  const { x, y } = this._point, ctx = this._renderer._ctx;
  ctx.drawImage(sprite, x - 12, y - 12);
  if (this.options.label) { ctx.font = "600 12px sans-serif"; ctx.fillStyle = "#222"; ctx.fillText(this.options.label, x + 14, y + 4); }
} });
const markers = [];
new WebSocket(location.origin.replace("http", "ws") + "/plain").onmessage = ({ data }) => {
  for (const [id, lat, lng, name] of JSON.parse(data)) {
    if (markers[id]) markers[id].setLatLng([lat, lng]);
    else markers[id] = new Mark([lat, lng], { radius: 12, label: id <= ${LABELS} ? name : "" }).addTo(map);
  }
  window.known = markers.length;
};
</script>`;

let entities = [];
let ours = null;
let plain = null;
let seq = 1;
const latLng = (one) => [(Math.atan(Math.sinh(Math.PI * (1 - 2 * one.my))) * 180) / Math.PI, one.mx * 360 - 180];
const plainRows = (some) => JSON.stringify(some.map((one) => [one.id, ...latLng(one), one.name]));

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://bench");
  const send = (body, type) => response.writeHead(200, { "content-type": type }).end(body);
  if (pathname === "/plain.html") send(PLAIN, "text/html");
  else if (pathname === "/leaflet.js") send(readFileSync(LEAFLET), "text/javascript");
  else if (pathname === "/live/v1/page.json") send(JSON.stringify({ version: "bench", view: { latitude: CENTRE.lat, longitude: CENTRE.lng, zoom: ZOOM }, demo: false, feed: "none", basemaps: [] }), "application/json");
  else if (pathname.startsWith("/basemap/")) response.writeHead(204).end();
  else if (pathname.startsWith("/api/")) send('{"points":[],"truncated":false}', "application/json");
  else {
    const path = join(DIST, pathname === "/" ? "index.html" : pathname);
    if (existsSync(path) && extname(path) !== "") send(readFileSync(path), TYPES[extname(path)] ?? "application/octet-stream");
    else response.writeHead(404).end();
  }
});
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket, request) => {
  if (request.url === "/plain") {
    plain = socket;
    socket.send(plainRows(entities));
    return;
  }
  ours = { socket, tiles: new Set() };
  socket.send(message(hello(1n, Date.now(), "bench"), pulse(Date.now(), 1, entities.length, 12_000)));
  socket.on("message", (text) => {
    const asked = JSON.parse(text).tiles.map((tile) => tile.slice(0, 3));
    const fresh = asked.filter((tile) => !ours.tiles.has(tile.join("/")));
    ours.tiles = new Set(asked.map((tile) => tile.join("/")));
    for (const tile of fresh) {
      socket.send(message(snapshot(tile, seq, encodeBatch(entities.filter((one) => tileOf(one) === tile.join("/")).map(wire), { baseTimeS: Math.floor(Date.now() / 1000) }), 1)));
    }
  });
});

/** Moves entities by a few pixels and tells both pages: the ones of each tick of 250 ms, as the server does. */
function tick() {
  const moved = Array.from({ length: UPDATES_PER_S / 4 }, () => entities[Math.floor(random() * entities.length)]);
  const before = new Map(moved.map((one) => [one.id, tileOf(one)]));
  for (const one of moved) {
    one.mx += ((random() - 0.5) * 10) / SCALE;
    one.my += ((random() - 0.5) * 10) / SCALE;
  }
  plain?.send(plainRows(moved));
  if (ours === null) return;
  const frames = [...ours.tiles].map((key) => {
    const here = moved.filter((one) => tileOf(one) === key);
    const gone = moved.filter((one) => before.get(one.id) === key && tileOf(one) !== key).map((one) => one.id);
    return delta(key.split("/").map(Number), seq, seq + 1, encodeBatch([...new Set(here)].map(wire), { baseTimeS: Math.floor(Date.now() / 1000), removed: [...new Set(gone)] }));
  });
  seq++;
  ours.socket.send(message(...frames));
}

const wait = (ms) => new Promise((done) => {
  setTimeout(done, ms);
});

async function open(browser, path) {
  const context = await browser.newContext({ viewport: VIEW, serviceWorkers: "block" });
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}${path}`);
  const client = await context.newCDPSession(page);
  await client.send("Performance.enable", { timeDomain: "threadTicks" });
  return { page, client, close: () => context.close() };
}

/**
 * Milliseconds of the processor that tasks of the main thread take a second, while a function runs. Not wall time: in
 * that, software GL, which has both cores busy, counts as ours whenever our task waits for one.
 */
async function mainMs(client, run) {
  const read = async () => {
    const { metrics } = await client.send("Performance.getMetrics");
    return { taskS: metrics.find(({ name }) => name === "TaskDuration").value, atMs: performance.now() };
  };
  const a = await read();
  await run();
  const b = await read();
  return ((b.taskS - a.taskS) * 1e6) / (b.atMs - a.atMs);
}

async function updates(browser, path, ready) {
  const one = await open(browser, path);
  await one.page.waitForFunction(ready, null, { timeout: 120_000 });
  // GL takes over, and all first pictures are drawn.
  await wait(6000);
  const timer = setInterval(tick, 250);
  await wait(1000);
  const ms = await mainMs(one.client, () => wait(SECONDS * 1000));
  clearInterval(timer);
  await one.close();
  [ours, plain] = [null, null];
  return ms;
}

/** The tasks of the page's main thread while the map is dragged to and fro: how long each had the processor, and its wall time. */
async function panning(browser) {
  const one = await open(browser, "/");
  await one.page.waitForFunction("document.querySelector('.status')?.dataset.state === 'live'", null, { timeout: 60_000 });
  await wait(8000);
  const timer = setInterval(tick, 250);
  await browser.startTracing(one.page, { categories: ["toplevel", "__metadata", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
  for (let round = 0; round < 3; round++) {
    const [from, to] = round % 2 === 0 ? [900, 300] : [300, 900];
    await one.page.mouse.move(from, 400);
    await one.page.mouse.down();
    for (let step = 1; step <= 8; step++) await one.page.mouse.move(from + ((to - from) * step) / 8, 400 + step * 8);
    await one.page.mouse.up();
    await wait(300);
  }
  clearInterval(timer);
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  await one.close();
  const main = new Set(traceEvents.filter((event) => event.name === "thread_name" && event.args?.name === "CrRendererMain").map((event) => `${event.pid} ${event.tid}`));
  const tasks = traceEvents.filter((event) => event.ph === "X" && event.name.endsWith("RunTask") && main.has(`${event.pid} ${event.tid}`));
  const draws = traceEvents.filter((event) => event.ph === "X" && event.name === "FireAnimationFrame");
  // From a movement of the pointer to the end of the picture that follows it.
  const moves = traceEvents.filter((event) => event.name === "EventDispatch" && event.args?.data?.type === "pointermove");
  const pictures = draws.filter((event) => main.has(`${event.pid} ${event.tid}`)).sort((a, b) => a.ts - b.ts);
  const waits = moves.flatMap(({ ts }) => pictures.find((event) => event.ts >= ts) ?? []).map((event, i) => (event.ts + event.dur - moves[i].ts) / 1000);
  const longest = (list, field) => Math.max(0, ...list.map((event) => (event[field] ?? 0) / 1000));
  return { tasks: tasks.length, draws: draws.length, cpuMs: longest(tasks, "tdur"), wallMs: longest(tasks, "dur"), moves: waits.length, pictureMs: Math.max(0, ...waits), measured: tasks.some((event) => event.tdur > 0) };
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

await new Promise((done) => {
  server.listen(0, "127.0.0.1", done);
});
const executable = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ ...(existsSync(executable) && { executablePath: executable }), args: ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"] });
let failed = false;
try {
  entities = world(20_000, VIEW.width * 1.2, VIEW.height * 1.2);
  const rows = [];
  for (let round = 0; round < ROUNDS; round++) {
    const leaflet = await updates(browser, "/plain.html", `window.known > ${entities.length}`);
    const godwit = await updates(browser, "/", "document.querySelector('.status')?.dataset.state === 'live'");
    rows.push({ leaflet, godwit });
    console.log(`20,000 symbols, 200 updates/s: Leaflet canvas ${leaflet.toFixed(0)} ms/s, Godwit ${godwit.toFixed(0)} ms/s, ${(leaflet / godwit).toFixed(1)}x`);
  }
  if (rows.length > 0) {
    const ratio = median(rows.map((one) => one.leaflet / one.godwit));
    console.log(`median ${ratio.toFixed(1)}x less of the main thread (floor ${FLOOR}x)`);
    failed ||= ratio < FLOOR;
  }
  entities = world(100_000, VIEW.width * 3.2, VIEW.height * 3.8);
  const { tasks, draws, moves, pictureMs, cpuMs, wallMs, measured } = await panning(browser);
  console.log(`100,000 known, panning: ${draws} pictures, ${tasks} tasks of the main thread, the longest ${cpuMs.toFixed(0)} ms of processor, ${wallMs.toFixed(0)} ms of wall time; ${moves} movements, their pictures there after ${pictureMs.toFixed(0)} ms at most`);
  // Wall time is that of the machine's other work too.
  failed ||= !measured || cpuMs > 100;
} finally {
  await browser.close();
  server.close();
  for (const socket of sockets.clients) socket.terminate();
}
process.exit(failed ? 1 : 0);
