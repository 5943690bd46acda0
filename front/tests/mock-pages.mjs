/**
 * What the mock server answers to the pages beside the map: packets that go on coming, bad lines, weather and telemetry
 * as functions of time, who heard whom, a status and the list of routes.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A packet each second, as far back as this. */
const KEPT_MS = 2 * HOUR;

const BAD = [
  ["no header at all <b>bold</b>", "header_format", "There is no header of the form SOURCE>DESTINATION,PATH: in front."],
  ["N0CALL-9>APRS,WIDE1-1:", "info_empty", "The information field is empty."],
];

const iso = (ms) => new Date(ms).toISOString();

/** The packet of a second; ids are microseconds, as the server's. */
function packetAt(entities, second) {
  const id = String(second * 1_000_000);
  const received_at = iso(second * 1000);
  if (second % 20 === 0) {
    const [raw, reason, message] = BAD[(second / 20) % BAD.length];
    return { id, received_at, kind: "unknown", raw, verdict: "bad", reason, message };
  }
  const one = entities[(second * 7) % entities.length];
  const kind = one.weather ? "weather" : second % 5 === 0 ? "status" : "position";
  const info = kind === "status" ? ">On the air <img src=x onerror=alert(1)>" : kind === "weather" ? "_11211000c220s004g008t052r000p000P000h50b10132" : "!4808.23N/01134.54E>072/039 Hello <i>there</i>";
  const wrong = second % 97 === 0 ? { verdict: "implausible", reason: "too_fast", message: "The station cannot have come here from where it was in the time between." } : { verdict: "accepted" };
  return { id, received_at, source: one.kind === 0 ? one.name : (one.owner ?? "N0CALL"), kind, raw: `${one.kind === 0 ? one.name : "N0CALL"}>APZ123,DB0XYZ-2*,qAR,DB0GATE:${info}`, ...wrong };
}

/** Marks the parts of a line as the server's explanation does, roughly: header, path and what follows. */
function explained(raw) {
  const parts = [];
  let at = 0;
  const take = (length, field, meaning, more = {}) => {
    if (length <= 0) return;
    parts.push({ start: at, end: at + length, field, text: raw.slice(at, at + length), meaning, ...more });
    at += length;
  };
  const header = /^([^>:]+)(>)([^,:]+)((?:,[^:]+)?)(:)/.exec(raw);
  if (header === null) {
    take(raw.length, "text", "Free text.", { warnings: [{ code: "header_format", message: BAD[0][2] }] });
    return parts;
  }
  take(header[1].length, "source", "Callsign of the sending station.");
  take(1, "separator", "Separates two parts.");
  take(header[3].length, "destination", "Destination address: usually the software or device that sent the packet.", { value: "Example Tracker One" });
  take(header[4].length, "hop", "Path element: a digipeater or a request for one.");
  take(1, "separator", "Separates two parts.");
  if (raw[at] === "!") {
    take(1, "data_type", "Data type: says what sort of packet follows.", { value: "position" });
    take(8, "latitude", "Latitude.", { value: "48.13717 degrees" });
    take(1, "symbol_table", "Symbol table, or the overlay drawn on the symbol.");
    take(9, "longitude", "Longitude.", { value: "11.57567 degrees" });
    take(1, "symbol_code", "Which symbol of the table.", { value: "car" });
    take(7, "course_speed", "Course in degrees and speed in knots.", { value: "72 degrees, 72.23 km/h" });
  }
  take(raw.length - at, "text", "Free text.");
  return parts;
}

function packetOf(entities, id) {
  const second = Number(id) / 1_000_000;
  if (!Number.isInteger(second) || second * 1000 < Date.now() - KEPT_MS || second * 1000 > Date.now()) return null;
  const packet = packetAt(entities, second);
  const explanation = explained(packet.raw);
  if (packet.verdict === "bad") {
    const [, code, message] = BAD.find(([raw]) => raw === packet.raw);
    return { ...packet, explanation, error: { code, message, offset: 0 } };
  }
  return {
    ...packet, explanation, heard: "digipeated",
    hops: [{ callsign: packet.source, role: "source", used: true }, { callsign: "DB0XYZ-2", role: "digipeater", used: true }, { callsign: "DB0GATE", role: "igate", used: true }],
  };
}

function list(entities, query) {
  const limit = Number(query.get("limit") ?? 100);
  const [name, kind, verdict, text] = ["name", "kind", "verdict", "text"].map((one) => query.get(one));
  const since = Math.max(Date.now() - KEPT_MS, Date.parse(query.get("since") ?? "") || 0);
  const newest = query.has("cursor") ? Number(query.get("cursor")) / 1_000_000 - 1 : Math.floor(Date.now() / 1000);
  const packets = [];
  for (let second = newest; second * 1000 >= since; second--) {
    const one = packetAt(entities, second);
    if ((name && one.source !== name) || (kind && one.kind !== kind) || (verdict && one.verdict !== verdict)) continue;
    if (text && !one.raw.toLowerCase().includes(text.toLowerCase())) continue;
    if (packets.length === limit) return { packets, next: packets.at(-1).id };
    packets.push(one);
  }
  return { packets };
}

/** A day's course of everything that can be measured, with a silence of two hours each noon. */
function weather(query) {
  const until = Date.now();
  const since = Date.parse(query.get("since") ?? "") || until - 24 * HOUR;
  const step = Math.max(5 * MINUTE, Number(query.get("every") ?? 0) * 1000);
  const reports = [];
  for (let ms = Math.ceil(since / step) * step; ms < until; ms += step) {
    const hour = (ms / HOUR) % 24;
    if (hour > 12 && hour < 14) continue;
    const wave = Math.sin(((hour - 9) / 24) * 2 * Math.PI);
    const wet = hour > 17 && hour < 20;
    reports.push({
      id: String(ms * 1000), received_at: iso(ms), temperature_c: Math.round((6 + 5 * wave) * 10) / 10, humidity_percent: Math.round(75 - 20 * wave),
      pressure_hpa: Math.round((1013 + 6 * Math.sin(ms / (40 * HOUR))) * 10) / 10, wind_direction_deg: (Math.round(hour * 12 + 200) % 360) || 360,
      wind_speed_ms: Math.round((3 + 2 * wave) * 10) / 10, wind_gust_ms: Math.round((6 + 3 * wave + (wet ? 4 : 0)) * 10) / 10,
      rain_1h_mm: wet ? 1.5 : 0, rain_24h_mm: hour > 17 ? 3 : 0, rain_midnight_mm: hour > 17 ? 3 : 0, luminosity_wm2: Math.max(0, Math.round(500 * wave)),
    });
  }
  return { reports, truncated: false };
}

function telemetry(query) {
  const until = Date.now();
  const since = Date.parse(query.get("since") ?? "") || until - 24 * HOUR;
  const reports = [];
  for (let ms = Math.ceil(since / (10 * MINUTE)) * 10 * MINUTE; ms < until; ms += 10 * MINUTE) {
    const volts = 12.4 + 0.6 * Math.sin(ms / (4 * HOUR));
    reports.push({
      id: String(ms * 1000), received_at: iso(ms), sequence: Math.floor(ms / 600_000) % 1000, bits: "10000001",
      values: [Math.round(volts * 100) / 100, 20 + Math.round(5 * Math.sin(ms / (3 * HOUR))), null, null, null], raw_values: [124, 70, null, null, null],
    });
  }
  const bits = [{ name: "Charging", unit: "on" }, { name: "<b>Door</b>" }, {}, {}, {}, {}, {}, { name: "Heater" }];
  return {
    channels: [{ name: "Battery", unit: "V", equation: [0, 0.1, 0] }, { name: "Case", unit: "deg C", equation: [0, 1, -50] }, {}, {}, {}], bits, bit_sense: "11111111",
    project: "Mock <project>", reports: reports.slice(-5000), truncated: reports.length > 5000,
  };
}

function heard(entities, name, side) {
  const now = Date.now();
  const rows = entities.filter((one) => one.kind === 0 && one.name !== name).slice(side === "heard_by" ? 10 : 40, side === "heard_by" ? 16 : 44);
  const day = (ms) => iso(ms).slice(0, 10);
  return {
    name, side, days: 30, truncated: false,
    stations: rows.map((one, i) => ({
      name: one.name, packets: 900 - i * 130, ...(i !== 2 && { longest_km: 12.3 + i * 17 }), last_day: day(now - 86_400_000 * i),
    })),
  };
}

function status(viewers, entities) {
  const ago = (s) => iso(Date.now() - s * 1000);
  let all = 0;
  const buckets = [50, 100, 150, 200, 250, 300, 500, 1000, null].map((le, i) => ({ le, count: (all += [120, 400, 800, 900, 700, 90, 20, 3, 1][i]) }));
  return {
    version: "mock", engine: "sqlite", entities, viewers,
    feed: {
      state: "unverified", server: "127.0.0.1:14580", server_software: "mock 1.0", server_id: "MOCK", login: "N0CALL-1", connected_at: ago(7300), last_packet_at: ago(1),
      reconnects: 2, lines: 123_456, oversize_lines: 0, last_error: null,
    },
    packets: { received: 123_456, stored: 110_000, duplicates: 12_900, implausible: 78, bad: 556, refused: 0 },
    kept: { stored: 8_110_000, duplicates: 912_900, bad: 31_556, entities: 41_000 },
    live: { tiles: 12, log_bytes: 40_000, viewers_closed_slow: 0, latency_ms: { p50: 140, p99: 260, count: all, buckets } },
    queues: { feed: { depth: 3, capacity: 10_000, dropped: 0 }, keeper: { depth: 0, capacity: 64, dropped: 0 } },
    limit: { allowed: 12_345, refused: 6, decided_alone: 0, uncounted: 0 },
    history: { blocks_read: 3, reading_ms: 40, answers_made: 12, answers_remembered: 40, refused: 0, memory_bytes: 300_000 },
    jobs: [
      { name: "retention", priority: 1, next_run: ago(-1800), running: false, runs: 40, failures: 0, last_run: ago(1800), last_ok: true, last_duration_ms: 12, last_result: "nothing is over its time" },
      { name: "archive", priority: 2, next_run: ago(-600), running: false, runs: 40, failures: 2, last_run: ago(3000), last_ok: false, last_duration_ms: 12, last_result: "the folder is not there" },
    ],
    devices_fetch: { state: "open", failures_in_row: 5, succeeded: 3, failed: 5, refused: 2, opened: 1 },
    cluster: {
      replica: "mock-1", role: "leading", token: 3, takeovers: 1, absences: 0, standby: "warm", ring: null, spool: { packets: 0, bytes: 0, spooled: 12, drained: 12, trouble: null },
      world: { filled: true, follows: "bus" }, database: { trouble: null, breaker: { state: "closed", failures_in_row: 0, succeeded: 900, failed: 1, refused: 0, opened: 0 } },
      bus: { kind: "redis", published: 123, failed: 0, taken: 120, gaps: 0, lost: 0, breaker: { state: "closed", failures_in_row: 0, succeeded: 123, failed: 0, refused: 0, opened: 0 } },
    },
  };
}

function hours() {
  const now = Math.floor(Date.now() / HOUR);
  return {
    hours: Array.from({ length: 72 }, (_, i) => {
      const accepted = Math.round(30_000 + 9000 * Math.sin(((now - i) / 24) * 2 * Math.PI));
      return { hour: iso((now - i) * HOUR), accepted, duplicate: Math.round(accepted / 9), implausible: 12, bad: 150 };
    }).reverse(),
  };
}

const name = { name: "name", in: "path", about: "Callsign with SSID, or the name of an object or item.", example: "" };
const ROUTES = [
  { path: "/api/v1/stations/{name}", about: "One station, object or item with all that it said last.", parameters: [name, { name: "kind", in: "query", about: "station, object or item.", example: "" }] },
  { path: "/api/v1/search", about: "Stations by name, places, locators.", parameters: [{ name: "q", in: "query", about: "A name or its beginning.", example: "N0" }, { name: "limit", in: "query", about: "1 to 100.", example: "" }] },
  { path: "/api/v1/status", about: "What the program is doing.", parameters: [] },
];

/** Status and body, or null when this is not asked of the pages. */
export function answerPages(entities, url, viewers) {
  const { pathname: path, searchParams: query } = url;
  if (path === "/api/v1") return [200, { version: "mock", routes: ROUTES }];
  if (path === "/api/v1/status") return [200, status(viewers, entities.length)];
  if (path === "/api/v1/packets/hours") return [200, hours()];
  if (path === "/api/v1/packets" && query.get("kind") === "telemetry" && query.has("name")) {
    const one = entities.find((entity) => entity.name === query.get("name"));
    const raw = `${query.get("name")}>APZ123,qAR,DB0GATE:T#001,1,2,3,4,5,00000000`;
    return [200, { packets: one?.telemetry ? [{ id: "1000000", received_at: iso(Date.now() - MINUTE), source: one.name, kind: "telemetry", raw, verdict: "accepted" }] : [] }];
  }
  if (path === "/api/v1/packets") return [200, list(entities, query)];
  const [, id] = /^\/api\/v1\/packets\/(\d+)$/.exec(path) ?? [];
  if (id !== undefined) {
    const packet = packetOf(entities, id);
    return packet === null ? [404, { error: { code: "not_found", message: `no packet ${id} is kept` } }] : [200, packet];
  }
  const [, encoded, what] = /^\/api\/v1\/stations\/([^/]+)\/(weather|telemetry|heard)$/.exec(path) ?? [];
  if (encoded === undefined) return null;
  const asked = decodeURIComponent(encoded);
  const one = entities.find((entity) => entity.name === asked);
  if (one === undefined) return [404, { error: { code: "not_found", message: `nothing named ${asked} has been heard` } }];
  const kind = ["station", "object", "item"][one.kind];
  if (what === "heard") return [200, heard(entities, asked, query.get("side") ?? "heard_by")];
  const empty = what === "weather" ? { reports: [], truncated: false } : { channels: [], bits: [], reports: [], truncated: false };
  return [200, { name: asked, kind, ...(what === "weather" ? (one.weather ? weather(query) : empty) : one.weather || one.telemetry ? telemetry(query) : empty) }];
}
