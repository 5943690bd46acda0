/**
 * The past of the mock server: where its stations were is a function of time, so that tests know it. Those that move go
 * round where they began, three kilometres wide, once in twenty minutes; objects are there in the first half of each
 * hour and killed in the second. Three days are kept.
 */
import { encodeBlock } from "./history-encoder.mjs";

const BLOCK_S = 600;
const ROUND_S = 1200;
const KEPT_S = 3 * 86_400;
const STEPS = 16384;

const mercator = (latitude, longitude) => {
  const s = Math.sin((latitude * Math.PI) / 180);
  return [(longitude + 180) / 360, 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)];
};

/** Where a station was, in steps from a tile's corner. */
function placeAt(one, atS, [level, tileX, tileY]) {
  const turn = one.moves ? ((atS % ROUND_S) / ROUND_S) * 2 * Math.PI + one.id : 0;
  const [east, north] = one.moves ? [Math.sin(turn) * 0.04, Math.cos(turn) * 0.027] : [0, 0];
  const [x, y] = mercator(one.home.latitude + north, one.home.longitude + east);
  const step = (value, tile) => Math.floor(value * 2 ** level * STEPS) - tile * STEPS;
  return { x: step(x, tileX), y: step(y, tileY), course: one.moves ? Math.floor(((((turn * 180) / Math.PI + 90) % 360) + 360) % 360 / 2) : 255 };
}

/** For tests: a server that began at this time, ms since 1970, and keeps nothing from before; 0: one that is old. */
let bornMs = 0;
export function born(ms) {
  bornMs = ms;
}

const inside = ({ x, y }) => x >= 0 && x < STEPS && y >= 0 && y < STEPS;
const there = (one, atS) => one.kind === 0 || atS % 3600 < 1800;

function head(one) {
  return { name: one.name, flags: one.kind | 4 | (one.weather ? 8 : 0) | (one.id % 4 === 0 ? 128 : 0), table: one.table, code: one.code };
}

function key(entities, tile, startS) {
  return entities.filter((one) => there(one, startS)).map((one) => ({ ...head(one), ...placeAt(one, startS, tile), speed: one.moves ? 60 : 255, ageMin: 1 })).filter(inside);
}

function moves(entities, tile, startS, spanS, coveredS, slotS) {
  return entities.flatMap((one) => {
    const events = [];
    for (let atS = slotS; atS <= coveredS && one.moves; atS += slotS) {
      const { course, x, y } = placeAt(one, startS + atS, tile);
      events.push({ what: course, atS, x, y, speed: 60 });
    }
    if (one.kind !== 0) {
      for (let atS = 0; atS < coveredS; atS += BLOCK_S) {
        if ((startS + atS) % 3600 === 0) events.push({ what: 255, atS, ...placeAt(one, startS, tile), speed: 255 });
        if ((startS + atS) % 3600 === 1800) events.push({ what: "gone", atS });
      }
    }
    const touches = inside(placeAt(one, startS, tile)) || events.some((event) => typeof event.what === "number" && inside(event));
    return touches && events.length > 0 ? [{ ...head(one), events: events.map(({ what, ...event }) => ({ ...event, what })) }] : [];
  });
}

function density(entities, startS) {
  const cells = new Map();
  for (const one of entities.filter((each) => there(each, startS))) {
    const [x, y] = mercator(one.home.latitude, one.home.longitude);
    const cell = Math.floor(y * 64) * 64 + Math.floor(x * 64);
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
  }
  return { cells: [...cells].map(([cell, count]) => ({ cell, entities: count })) };
}

/** What a station had sent last by a moment, one packet a minute: its time and place; null when nothing is kept from then. */
export function lastBy(one, ms) {
  const atS = Math.floor(ms / 60_000) * 60;
  if (atS * 1000 < bornMs || !there(one, atS)) return null;
  const turn = ((atS % ROUND_S) / ROUND_S) * 2 * Math.PI + one.id;
  const [east, north] = one.moves ? [Math.sin(turn) * 0.04, Math.cos(turn) * 0.027] : [0, 0];
  return { ms: atS * 1000, latitude: one.home.latitude + north, longitude: one.home.longitude + east };
}

/** The same of each minute of a time, oldest first. */
export function allIn(one, fromMs, untilMs, limit) {
  const points = [];
  for (let ms = Math.ceil(fromMs / 60_000) * 60_000; ms < untilMs; ms += 60_000) {
    const at = lastBy(one, ms);
    if (at !== null && points.length === limit) return { points, truncated: true };
    if (at !== null) points.push({ id: `${one.id}-${ms}`, received_at: new Date(ms).toISOString(), latitude: at.latitude, longitude: at.longitude, verdict: "accepted" });
  }
  return { points, truncated: false };
}

/** Answers `/history/v1/...` about these entities; each has a `home`. */
export function answer(entities, path, response) {
  const nowS = Math.floor(Date.now() / 1000);
  const open = Math.floor(nowS / BLOCK_S);
  if (path === "/history/v1/range") {
    response.writeHead(200, { "content-type": "application/json" });
    const oldestMs = Math.max(bornMs, (open - KEPT_S / BLOCK_S) * BLOCK_S * 1000);
    response.end(JSON.stringify({
      oldest_block: Math.floor(oldestMs / 1000 / BLOCK_S), oldest_ms: oldestMs, open_block: open, block_s: BLOCK_S, server_time_ms: Date.now(),
    }));
    return;
  }
  const [level, x, y, block, part = "whole"] = path.split("/").slice(3).map((one) => (/^\d+$/.test(one) ? Number(one) : one));
  if (!(block <= open)) {
    response.writeHead(404).end();
    return;
  }
  const tile = [level, x, y];
  const startS = block * BLOCK_S;
  if ((startS + BLOCK_S) * 1000 <= bornMs) entities = [];
  const spanS = part === "hour" ? 3600 : BLOCK_S;
  const coveredS = Math.min(spanS, nowS - startS);
  const content = level === 0 ? density(entities, startS) : {
    ...(part === "whole" && { key: key(startS * 1000 < bornMs ? [] : entities, tile, startS) }),
    moves: moves(entities, tile, startS, spanS, coveredS, part === "hour" ? 120 : 60),
  };
  response.writeHead(200, { "content-type": "application/octet-stream" });
  response.end(encodeBlock(tile, block, content, { spanS, coveredS, packing: 1 }));
}
