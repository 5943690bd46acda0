/**
 * A stand-in for the server: the built page, the REST answers and the live stream with a few hundred made-up stations
 * that move over Europe. For development (`npm run mock`) and browser tests; PORT chooses the port.
 */
import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { WebSocketServer } from "ws";
import { near, search } from "./mock-find.mjs";
import { drove, packetOf, placedStations, rawOf, trackOf } from "./mock-map.mjs";
import { delta, density, encodeBatch, hello, message, pulse, snapshot } from "./encoder.mjs";
import { allIn, answer as answerPast, born, lastBy } from "./mock-history.mjs";
import { answerPages } from "./mock-pages.mjs";

const PORT = Number(process.env.PORT ?? process.env.GODWIT_MOCK_PORT ?? 8090);
const DIST = new URL("../dist", import.meta.url).pathname;
const EPOCH = BigInt(Date.now());
const LEVELS = [3, 5, 7, 9];
const TICK_MS = 500;
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
  + "font-src 'self'; manifest-src 'self'; worker-src 'self'";
const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
  ".json": "application/json", ".webmanifest": "application/manifest+json", ".png": "image/png",
};

/** The same numbers at each start. */
let state = 7;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

const CITIES = [
  [48.14, 11.58], [52.52, 13.4], [48.86, 2.35], [51.5, -0.12], [41.9, 12.5], [40.42, -3.7], [59.33, 18.07], [50.08, 14.43],
  [47.37, 8.54], [52.23, 21.01], [45.46, 9.19], [48.21, 16.37], [53.55, 9.99], [50.94, 6.96], [45.76, 4.84], [55.68, 12.57],
];
const SYMBOLS = ["/>", "/k", "/[", "/_", "/-", "/#", "\\n", "I&", "/Y", "/^", "/O", "1#", "/b", "/j", "L#"];

function station(id) {
  const [lat, lng] = CITIES[id % CITIES.length];
  const [table, code] = SYMBOLS[Math.floor(random() * SYMBOLS.length)];
  const moves = ">k[Y^Obj".includes(code);
  return {
    id, table, code, moves,
    name: `T${id % 10}${String.fromCharCode(65 + (id % 26))}${String.fromCharCode(65 + ((id * 7) % 26))}${id % 7 === 0 ? "" : `-${(id % 15) + 1}`}`,
    latitude: lat + (random() - 0.5) * 1.2, longitude: lng + (random() - 0.5) * 1.8,
    course: random() * 360, kmh: moves ? 10 + random() * 90 : undefined, heardMs: Date.now() - random() * 900_000,
    kind: 0, weather: code === "_",
  };
}

const entities = Array.from({ length: 400 }, (_, i) => station(i + 1));
const names = new Set();
for (const one of entities) {
  while (names.has(one.name)) one.name = `${one.name.split("-")[0].slice(0, 5)}X-${one.id % 100}`;
  names.add(one.name);
}
Object.assign(entities[0], {
  name: "N0CALL-9", table: "/", code: ">", moves: true, kmh: 72, weather: false, latitude: 48.1372, longitude: 11.5756, comment: "On the road <img src=x onerror=alert(1)>",
});
Object.assign(entities[1], { name: "<b>EVE", kind: 1, owner: "N0CALL", moves: false, kmh: undefined, latitude: 48.2, longitude: 11.7, code: "-", heardMs: Date.now() });
Object.assign(entities[3], { name: "N0CALL", table: "/", code: "-", moves: false, kmh: undefined, latitude: 48.3, longitude: 11.3,
  phg: { power_w: 25, height_m: 12.2, gain_db: 3, directivity_deg: null } });
Object.assign(entities[2], { name: "N0CALL-13", table: "/", code: "_", weather: true, moves: false, kmh: undefined, latitude: 48.05, longitude: 11.4 });

entities.push(...placedStations(entities.length + 1));
const began = new Map(entities.map((one) => [one.id, { ms: Date.now() - 60_000, latitude: one.latitude, longitude: one.longitude }]));
// Where they begin, and where their past is.
for (const one of entities) one.home = { latitude: one.latitude, longitude: one.longitude };

const mercator = (latitude, longitude) => {
  const s = Math.sin((Math.max(-85.05, Math.min(85.05, latitude)) * Math.PI) / 180);
  return [(longitude + 180) / 360, 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)];
};

function place(one, level) {
  const [x, y] = mercator(one.latitude, one.longitude).map((v) => v * 2 ** level);
  return { tile: `${level}/${Math.floor(x)}/${Math.floor(y)}`, x: Math.floor((x % 1) * 65536), y: Math.floor((y % 1) * 65536) };
}

function record(one, level, nowS) {
  const { x, y } = place(one, level);
  return {
    id: one.id, name: one.name, x, y, table: one.table, code: one.code, age: Math.min(65534, Math.max(0, Math.floor((nowS - one.heardMs / 1000) / 2))),
    course: one.moves ? Math.floor(one.course / 2) : 255, speed: one.kmh === undefined ? 65535 : Math.round(one.kmh * 10),
    flags: one.kind | 4 | (one.weather ? 8 : 0) | ((one.ambiguity ?? 0) << 4) | (one.id % 4 === 0 ? 128 : 0),
    range: one.range ?? (one.code === "#" ? 120 + (one.id % 5) * 60 : 0), interval: one.interval ?? (one.moves ? 1 : 20),
  };
}

const viewers = new Set();
/** Sequence numbers are common to all tiles here: the tick's number. */
let seq = 1;

/** What moved in the last ticks, for those who ask for what they missed. */
const log = [];
const LOG_TICKS = 100;
const STRAY_KM = 2;

function tick() {
  const from = seq;
  seq++;
  const moved = new Map();
  const before = new Map();
  for (const one of entities) {
    if (!one.moves && Date.now() - one.heardMs > 120_000 && random() < 0.02) {
      one.heardMs = Date.now();
      moved.set(one.id, one);
    }
    if (!one.moves || random() > 0.15) continue;
    before.set(one.id, LEVELS.map((level) => place(one, level).tile));
    const km = (one.kmh / 3600) * 6;
    // The server lives as long as all the tests: who strayed turns home, or tests that look for it later find its place empty.
    const home = began.get(one.id);
    const [north, east] = [home.latitude - one.latitude, (home.longitude - one.longitude) * Math.cos((one.latitude * Math.PI) / 180)];
    const ahead = Math.hypot(north, east) * 111 > STRAY_KM ? (Math.atan2(east, north) * 180) / Math.PI : one.course;
    one.course = (ahead + (random() - 0.5) * 30 + 360) % 360;
    one.latitude += (Math.cos((one.course * Math.PI) / 180) * km) / 111;
    one.longitude += (Math.sin((one.course * Math.PI) / 180) * km) / (111 * Math.cos((one.latitude * Math.PI) / 180));
    one.heardMs = Date.now();
    drove(one);
    moved.set(one.id, one);
  }
  log.push({ from, moved, before });
  if (log.length > LOG_TICKS) log.shift();
  for (const viewer of viewers) {
    const frames = [...viewer.tiles].filter((key) => !key.startsWith("0/")).map((key) => deltaFrame(key, from));
    if (frames.length > 0) viewer.socket.send(message(...frames));
  }
}

/** What changed in a tile since a tick that the log has. */
function deltaFrame(key, from) {
  const [level, x, y] = key.split("/").map(Number);
  const nowS = Math.floor(Date.now() / 1000);
  const ticks = log.filter((one) => one.from >= from);
  const moved = new Map(ticks.flatMap((one) => [...one.moved]));
  const were = (id) => ticks.some((one) => one.before.get(id)?.includes(key));
  const here = [...moved.values()].filter((one) => place(one, level).tile === key);
  const gone = [...moved.keys()].filter((id) => were(id) && place(moved.get(id), level).tile !== key);
  return delta([level, x, y], from, seq, encodeBatch(here.map((one) => record(one, level, nowS)), { baseTimeS: nowS, removed: gone }));
}

/** A tile over plain HTTP, as docs/protocol.md has it. */
function answerTile(request, response, url, key) {
  const etag = `W/"${EPOCH.toString(16).padStart(16, "0")}-${seq}"`;
  const [epoch, since] = (url.searchParams.get("since") ?? "").split("-");
  const head = { etag, "cache-control": "max-age=1" };
  if (request.headers["if-none-match"] === etag) return response.writeHead(304, head).end();
  const known = epoch === EPOCH.toString(16).padStart(16, "0") && log.some((one) => one.from === Number(since));
  if (known || Number(since) === seq) {
    if (Number(since) === seq) return response.writeHead(204, head).end();
    if (!key.startsWith("0/")) return response.writeHead(200, head).end(Buffer.from(message(hello(EPOCH, Date.now(), "mock"), deltaFrame(key, Number(since)))));
  }
  return response.writeHead(200, head).end(Buffer.from(message(hello(EPOCH, Date.now(), "mock"), tileFrame(key))));
}

function tileFrame(key) {
  const [level, x, y] = key.split("/").map(Number);
  const nowS = Math.floor(Date.now() / 1000);
  if (level > 0) {
    const here = entities.filter((one) => place(one, level).tile === key).map((one) => record(one, level, nowS));
    return snapshot([level, x, y], seq, encodeBatch(here, { baseTimeS: nowS }), here.length > 3 ? 1 : 0);
  }
  const cells = new Map();
  for (const one of entities) {
    const [mx, my] = mercator(one.latitude, one.longitude);
    const cell = Math.floor(my * 64) * 64 + Math.floor(mx * 64);
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
  }
  return density([0, 0, 0], seq, [...cells].map(([cell, count]) => ({ cell, entities: count })), { packing: 1, baseTimeS: nowS });
}

/** What lists say of an entity. */
function summary(one) {
  return {
    name: one.name, kind: ["station", "object", "item"][one.kind], ...(one.owner && { owner: one.owner }),
    latitude: one.latitude, longitude: one.longitude, symbol: { table: one.table, code: one.code }, last_heard: new Date(one.heardMs).toISOString(),
  };
}

function detail(one) {
  const heard = new Date(one.heardMs).toISOString();
  return {
    ...summary(one), first_heard: new Date(one.heardMs - 90_000_000).toISOString(), comment: one.comment ?? "Greetings from the mock server",
    ...(one.ambiguity && { ambiguity: one.ambiguity }),
    ...(one.moves && { speed_kmh: one.kmh, course_deg: Math.round(one.course) || 360, altitude_m: 519 }),
    path: [{ callsign: "DB0XYZ-2", used: true }, { callsign: "WIDE1", used: true }, { callsign: "WIDE2-1", used: false }],
    q_construct: "qAR", igate: entities[5].name, heard: "digipeated", device: { vendor: "Example", model: "Tracker One", class: "tracker" },
    ...(one.weather && {
      weather: { temperature_c: 4.4, humidity_percent: 81, pressure_hpa: 1013.2, wind_direction_deg: 230, wind_speed_ms: 3.1, wind_gust_ms: 6.7, rain_1h_mm: 0.5 },
      telemetry: { sequence: 42, values: [199, 0, 25.5, null, 1], bits: "00001111" },
    }),
    ...(one.phg && { phg: one.phg, range_km: 42 }),
    raw: one.extra !== undefined ? rawOf(one) : `${one.name}>APZ123,DB0XYZ-2*,WIDE1*,WIDE2-1,qAR,${entities[5].name}:!4808.23N/01134.54E>072/039<img src=x onerror=alert(1)>`,
    received_at: heard,
  };
}

/** The same as it was at a time. */
function pastDetail(one, then) {
  const heard = new Date(then.ms).toISOString();
  return {
    ...detail(one), latitude: then.latitude, longitude: then.longitude, last_heard: heard, received_at: heard, comment: `Heard at ${heard.slice(11, 16)}`,
    raw: `${one.name}>APZ123,DB0THEN*,qAR,DB0GATE:!4808.23N/01134.54E>Heard at ${heard.slice(11, 16)}`,
    path: [{ callsign: "DB0THEN", used: true }], igate: "DB0GATE",
  };
}

function json(response, status, body) {
  response.writeHead(status, { "content-type": "application/json", "content-security-policy": POLICY });
  response.end(JSON.stringify(body));
}

function file(response, path) {
  const full = join(DIST, normalize(path));
  if (!full.startsWith(DIST) || !existsSync(full) || extname(full) === "") return false;
  response.writeHead(200, {
    "content-type": TYPES[extname(full)] ?? "application/octet-stream", "content-security-policy": POLICY, "x-content-type-options": "nosniff",
    "cache-control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
  });
  response.end(readFileSync(full));
  return true;
}

/** For tests: no WebSocket gets through. */
let blocked = false;
/** For tests: the service worker of another build. */
let nextBuild = false;

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://mock");
  const path = url.pathname;
  // The list by name is asked by the card too, with ids of its own making.
  const ofCard = path === "/api/v1/packets" && url.searchParams.get("limit") === "1" && !url.searchParams.has("kind");
  const forPages = ofCard ? null : answerPages(entities, url, viewers.size);
  if (forPages !== null) {
    json(response, ...forPages);
  } else if (path === "/live/v1/page.json") {
    json(response, 200, { version: "mock", view: { latitude: 48.14, longitude: 11.58, zoom: 9 }, demo: true, feed: "simulator", basemaps: [] });
  } else if (path === "/api/v1/search") {
    json(response, 200, search(entities, summary, url.searchParams.get("q") ?? "", Number(url.searchParams.get("limit") ?? 8)));
  } else if (path === "/api/v1/stations/near") {
    const [latitude, longitude, limit] = ["latitude", "longitude", "limit"].map((name) => Number(url.searchParams.get(name)));
    json(response, 200, near(entities, summary, latitude, longitude, limit));
  } else if (path.startsWith("/api/v1/packets/")) {
    const id = decodeURIComponent(path.slice("/api/v1/packets/".length));
    const [number, ms] = id.split("-").map(Number);
    const one = entities.find((e) => e.id === number);
    const at = one && trackOf(one, began.get(one.id), 0, 1e6).points.find((p) => p.id === id);
    if (at) json(response, 200, packetOf(one, id, { ms, ...at }));
    else json(response, 404, { error: { code: "not_found", message: `no packet ${id} is kept` } });
  } else if (path === "/api/v1/packets") {
    const one = entities.find((e) => e.name === url.searchParams.get("name"));
    json(response, 200, { packets: one ? [{ ...trackOf(one, began.get(one.id), 0, 1).points[0], raw: detail(one).raw, source: one.name, kind: "position" }] : [] });
  } else if (path.startsWith("/api/v1/stations/") && path.endsWith("/track")) {
    const name = decodeURIComponent(path.slice("/api/v1/stations/".length, -"/track".length));
    const kind = url.searchParams.get("kind") ?? "station";
    const one = entities.find((e) => e.name === name && ["station", "object", "item"][e.kind] === kind);
    const since = Date.parse(url.searchParams.get("since") ?? "") || 0;
    const until = Date.parse(url.searchParams.get("until") ?? "") || 0;
    if (one && until > 0) json(response, 200, { name, kind, ...allIn(one, since, until, Number(url.searchParams.get("limit") ?? 1000)) });
    else if (one) json(response, 200, { name, kind, ...trackOf(one, began.get(one.id), since, Number(url.searchParams.get("limit") ?? 1000)) });
    else json(response, 404, { error: { code: "not_found", message: `nothing named ${name} has been heard` } });
  } else if (path.startsWith("/api/v1/stations/")) {
    const name = decodeURIComponent(path.slice("/api/v1/stations/".length));
    const kind = url.searchParams.get("kind");
    const one = entities.find((e) => e.name === name && (kind === null || ["station", "object", "item"][e.kind] === kind));
    const at = Date.parse(url.searchParams.get("at") ?? "") || 0;
    const then = one && at > 0 ? lastBy(one, at) : null;
    if (then) json(response, 200, pastDetail(one, then));
    else if (one && at === 0) json(response, 200, detail(one));
    else json(response, 404, { error: { code: "unknown_name", message: `nothing named ${name} has been heard` } });
  } else if (path.startsWith("/history/v1/")) {
    answerPast(entities, path, response);
  } else if (path.startsWith("/live/v1/tiles/")) {
    answerTile(request, response, url, path.slice("/live/v1/tiles/".length));
  } else if (path.startsWith("/basemap/")) {
    response.writeHead(204).end();
  } else if (path === "/mock/next-build" || path === "/mock/this-build") {
    nextBuild = path === "/mock/next-build";
    json(response, 200, {});
  } else if (path === "/sw.js" && nextBuild && existsSync(join(DIST, "sw.js"))) {
    const worker = readFileSync(join(DIST, "sw.js"), "utf8").replace(/"[0-9a-f]{16}"/, '"fedcba9876543210"');
    response.writeHead(200, { "content-type": TYPES[".js"], "content-security-policy": POLICY, "cache-control": "no-cache" });
    response.end(worker);
  } else if (path === "/mock/block-sockets" || path === "/mock/let-sockets") {
    // For tests: a proxy on the way that knows no WebSockets.
    blocked = path === "/mock/block-sockets";
    json(response, 200, {});
  } else if (path === "/mock/born") {
    // For tests: nothing is kept from before this time; without it the server is old.
    born(Number(url.searchParams.get("ms") ?? 0));
    json(response, 200, {});
  } else if (path === "/mock/drop") {
    // For tests: all sockets go without a goodbye.
    for (const viewer of viewers) viewer.socket.terminate();
    json(response, 200, {});
  } else if (!file(response, path === "/" ? "/index.html" : path) && !file(response, "/index.html")) {
    json(response, 503, { error: { code: "not_built", message: "front/dist is not built: npm run build" } });
  }
});

new WebSocketServer({ server, path: "/live/v1/ws", verifyClient: () => !blocked }).on("connection", (socket) => {
  const viewer = { socket, tiles: new Set() };
  viewers.add(viewer);
  socket.on("close", () => viewers.delete(viewer));
  socket.on("error", () => socket.terminate());
  socket.send(message(hello(EPOCH, Date.now(), "mock"), pulse(Date.now(), viewers.size, entities.length, 620)));
  socket.on("message", (text) => {
    const asked = JSON.parse(text);
    const before = viewer.tiles;
    viewer.tiles = new Set(asked.tiles.map(([level, x, y]) => `${level}/${x}/${y}`));
    const fresh = asked.tiles.filter(([level, x, y, at]) => at !== undefined || !before.has(`${level}/${x}/${y}`));
    // No log is kept: whoever missed something gets a snapshot.
    for (const [level, x, y] of fresh) socket.send(message(tileFrame(`${level}/${x}/${y}`)));
  });
});

setInterval(tick, TICK_MS);
setInterval(() => {
  for (const viewer of viewers) viewer.socket.send(message(pulse(Date.now(), viewers.size, entities.length, 600 + Math.floor(random() * 50))));
}, 5000);
server.listen(PORT, "127.0.0.1", () => console.log(`mock server on http://127.0.0.1:${PORT}`));
