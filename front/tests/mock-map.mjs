/**
 * What the mock server knows for the map's extras: stations at known places with a reach, a vague position, shapes, a
 * heap to fan out; tracks; and packets with their hops.
 */

/** Stations of their own, at places that tests know. */
export function placedStations(firstId) {
  let id = firstId;
  const one = (name, latitude, longitude, more = {}) => ({
    id: id++, name, latitude, longitude, table: "/", code: "-", moves: false, course: 0, kmh: undefined, heardMs: Date.now(), kind: 0, weather: false, ...more,
  });
  const heap = (prefix, n, latitude, longitude) => Array.from({ length: n }, (_, i) => one(`${prefix}-${i + 1}`, latitude, longitude, { code: "-k>[_#Y"[i % 7] }));
  const shape = (name, row, column, form) => one(name, 47.6 - row * 0.12, 12.6 + column * 0.16, {
    table: "\\", code: "l", kind: 1, owner: "N0CALL", extra: form, comment: "",
  });
  return [
    one("DB0XYZ-2", 48.35, 11.85, { code: "#", range: 320, interval: 20, comment: "Digipeater of the mock", phg: { power_w: 25, height_m: 48, gain_db: 6, directivity_deg: null } }),
    one("DB0GATE", 48.02, 11.98, { table: "I", code: "&" }),
    one("VAGUE", 48.1, 12.3, { ambiguity: 2, code: "y" }),
    one("VAGUE-3", 48.2, 12.6, { ambiguity: 3, code: "y" }),
    one("SPEED", 47.62, 12.55, { table: "\\", code: "m", kind: 1, owner: "N0CALL", extra: "Limit {80}" }),
    one("BIDI-1", 47.9, 12.0, { comment: "left \u202egnorw\u202c right" }),
    one("\u202e\u202eab", 46.9, 12.03, { kind: 1, owner: "N0CALL" }),
    one("T2ZURICH", 47.9, 12.06, { kind: 1, owner: "N0CALL", comment: "An object by its plain name" }),
    one("RTL-1", 47.88, 12.0, { comment: "שלום עולם 73" }),
    one("PLAINITEM", 47.88, 12.03, { kind: 2, owner: "N0CALL", comment: "An item by its plain name" }),
    one("TELEM-1", 47.9, 12.09, { telemetry: true }),
    ...heap("FAN", 5, 48.3, 12.1),
    ...heap("PILE", 16, 48.3, 12.2),
    shape("CIRCLE", 0, 0, "002/102"), shape("LINE", 0, 1, "103/403{2}"), shape("ELLIPSE", 0, 2, "202/203"), shape("TRIANGLE", 0, 3, "302/602"),
    shape("BOX", 1, 0, "403/303"), shape("DISC", 1, 1, "503/403"), shape("LINELEFT", 1, 2, "602/503"), shape("FULLELL", 1, 3, "7031105"),
    shape("FULLTRI", 2, 0, "803/203"), shape("FULLBOX", 2, 1, "903/103"),
  ];
}

/** The line as received of a station with a shape or a sign. */
export function rawOf(one) {
  const degrees = (value, width, ends) => {
    const whole = Math.floor(Math.abs(value));
    return `${String(whole).padStart(width, "0")}${((Math.abs(value) - whole) * 60).toFixed(2).padStart(5, "0")}${ends[value < 0 ? 1 : 0]}`;
  };
  const { latitude, longitude, table, code } = one;
  return `N0CALL>APZ123,TCPIP*,qAC,T2TEST:;${one.name.padEnd(9)}*111111z${degrees(latitude, 2, "NS")}${table}${degrees(longitude, 3, "EW")}${code}${one.extra}`;
}

const HOUR = 3_600_000;
/** What moved since the server began, by station. */
const driven = new Map();

/** Notes where a station is now. */
export function drove(one) {
  const list = driven.get(one.id) ?? [];
  list.push({ ms: one.heardMs, latitude: one.latitude, longitude: one.longitude, speed_kmh: one.kmh, course_deg: Math.round(one.course) || 360 });
  if (list.length > 2000) list.shift();
  driven.set(one.id, list);
}

/**
 * Positions since a time: a made-up drive of the last eight hours that ends where the station began, with a silence of an
 * hour and a jump that cannot be, then what it really drove.
 */
export function trackOf(one, began, sinceMs, limit) {
  if (!one.moves) return { points: [point(one, began.ms, began)].filter((p) => Date.parse(p.received_at) >= sinceMs), truncated: false };
  const points = [];
  for (let back = 240; back > 0; back--) {
    const ms = began.ms - back * 2 * 60_000;
    // Two to three hours ago nobody heard it.
    if (began.ms - ms > 2 * HOUR && began.ms - ms < 3 * HOUR) continue;
    const turn = back / 9 + one.id;
    points.push({
      ms, latitude: began.latitude + 0.0022 * back ** 0.85 * Math.cos(one.id) + 0.004 * (Math.sin(turn) - Math.sin(one.id)),
      longitude: began.longitude + 0.003 * back ** 0.85 * Math.sin(one.id) + 0.006 * (Math.cos(turn) - Math.cos(one.id)),
      speed_kmh: 40 + 30 * Math.sin(turn), course_deg: (Math.round(turn * 57) % 360) || 360,
    });
    if (back === 20) points.push({ ms: ms + 30_000, latitude: began.latitude + 3, longitude: began.longitude + 3, wrong: true });
  }
  const all = [...points, { ms: began.ms, latitude: began.latitude, longitude: began.longitude, speed_kmh: one.kmh }, ...(driven.get(one.id) ?? [])];
  const asked = all.filter((p) => p.ms >= sinceMs);
  return { points: asked.slice(-limit).map((p) => point(one, p.ms, p)), truncated: asked.length > limit };
}

function point(one, ms, p) {
  return {
    id: `${one.id}-${Math.round(ms)}`, received_at: new Date(ms).toISOString(), latitude: p.latitude, longitude: p.longitude,
    ...(p.speed_kmh !== undefined && { speed_kmh: Math.round(p.speed_kmh), altitude_m: 519 }), ...(p.course_deg !== undefined && { course_deg: p.course_deg }),
    verdict: p.wrong ? "implausible" : "accepted", ...(p.wrong && { reason: "too_fast" }),
  };
}

/** A packet with its way: over one digipeater with a place, one without, to an igate. */
export function packetOf(one, id, at) {
  return {
    id, received_at: new Date(at.ms).toISOString(), source: one.name, kind: "position", verdict: "accepted", heard: "digipeated",
    raw: `${one.name}>APZ123,DB0XYZ-2*,DB0DARK*,WIDE2-1,qAR,DB0GATE:!4808.23N/01134.54E>072/039<img src=x onerror=alert(1)>`,
    hops: [
      { callsign: one.name, role: "source", used: true, latitude: at.latitude, longitude: at.longitude },
      { callsign: "DB0XYZ-2", role: "digipeater", used: true, latitude: 48.35, longitude: 11.85 },
      { callsign: "DB0DARK", role: "digipeater", used: true },
      { callsign: "WIDE2-1", role: "digipeater", used: false },
      { callsign: "DB0GATE", role: "igate", used: true, latitude: 48.02, longitude: 11.98 },
    ],
  };
}
