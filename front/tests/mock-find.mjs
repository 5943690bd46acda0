/** The mock server's answers of finding: search (names, places, positions) and the nearest stations, as docs/api.md has them. */

const PLACES = [
  { name: "München", country: "DE", latitude: 48.137, longitude: 11.575, zoom: 11 },
  { name: "Munster", country: "IE", latitude: 52.25, longitude: -9.0, zoom: 8 },
  { name: "Madrid", country: "ES", latitude: 40.4168, longitude: -3.7038, zoom: 11 },
  { name: "Germany", latitude: 51.1, longitude: 10.4, zoom: 6 },
];
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toUpperCase();

/** The middle of a Maidenhead locator of four or six characters. */
function locator(text) {
  const found = /^([A-R])([A-R])(\d)(\d)(?:([A-X])([A-X]))?$/i.exec(text);
  if (found === null) return [];
  const n = (letter) => letter.toUpperCase().charCodeAt(0) - 65;
  const [, a, b, c, d, e, f] = found;
  const longitude = n(a) * 20 + Number(c) * 2 - 180 + (e === undefined ? 1 : (n(e) + 0.5) / 12);
  const latitude = n(b) * 10 + Number(d) - 90 + (f === undefined ? 0.5 : (n(f) + 0.5) / 24);
  return [{ kind: "locator", text: text.toUpperCase(), latitude, longitude, zoom: e === undefined ? 9 : 12 }];
}

function coordinates(text) {
  const found = /^(-?\d{1,2}(?:\.\d+)?)[, ]+(-?\d{1,3}(?:\.\d+)?)$/.exec(text.trim());
  if (found === null) return [];
  const [, latitude, longitude] = found.map(Number);
  return [{ kind: "coordinates", text: text.trim(), latitude, longitude, zoom: 13 }];
}

export function search(entities, summary, text, limit) {
  const wanted = text.trim().toUpperCase();
  if (wanted === "") return { results: [], total: 0, places: [], locations: [] };
  const pattern = new RegExp(`^${wanted.split("").map((c) => (c === "*" ? ".*" : c === "?" ? "." : `\\u{${c.codePointAt(0).toString(16)}}`)).join("")}`, "u");
  const found = entities.filter((one) => pattern.test(one.name.toUpperCase()));
  return {
    results: found.slice(0, limit).map(summary),
    total: found.length,
    places: PLACES.filter((one) => plain(one.name).startsWith(plain(text))).slice(0, limit),
    locations: [...locator(wanted), ...coordinates(text)],
  };
}

export function near(entities, summary, latitude, longitude, limit) {
  const rad = Math.PI / 180;
  const measured = entities.map((one) => {
    const [a, b, east] = [latitude * rad, one.latitude * rad, (one.longitude - longitude) * rad];
    const cos = Math.sin(a) * Math.sin(b) + Math.cos(a) * Math.cos(b) * Math.cos(east);
    const bearing = Math.atan2(Math.sin(east) * Math.cos(b), Math.cos(a) * Math.sin(b) - Math.sin(a) * Math.cos(b) * Math.cos(east)) / rad;
    return { ...summary(one), distance_km: 6371 * Math.acos(Math.min(1, cos)), bearing_deg: (bearing + 360) % 360 };
  });
  return { stations: measured.sort((x, y) => x.distance_km - y.distance_km).slice(0, limit) };
}
