/** Quantities as people read them. The program is metric throughout; units are chosen here, at display, and rounded once. */
import { locale, number, t } from "./i18n";
import type { Units } from "./units";

export const KM_PER_MILE = 1.609344;
export const KM_PER_NAUTICAL_MILE = 1.852;
const M_PER_FOOT = 0.3048;
export const KMH_PER_MS = 3.6;
export const MM_PER_INCH = 25.4;
export const HPA_PER_INHG = 33.8639;
export const HPA_PER_MMHG = 1.33322;

/** The scale's own definition: v = 0.836 B^(3/2) m/s. */
export function beaufort(ms: number): number {
  return Math.min(12, (ms / 0.836) ** (2 / 3));
}

function inSpeed(kmh: number, unit: Units["speed" | "wind"], digits: number): string {
  switch (unit) {
    case "mph": return `${number(kmh / KM_PER_MILE)} mph`;
    case "kn": return `${number(kmh / KM_PER_NAUTICAL_MILE, 1)} kn`;
    case "ms": return `${number(kmh / KMH_PER_MS, 1)} m/s`;
    case "bft": return `${number(beaufort(kmh / KMH_PER_MS))} Bft`;
    default: return `${number(kmh, digits)} km/h`;
  }
}

export function speed(kmh: number, units: Units): string {
  return inSpeed(kmh, units.speed, 0);
}

export function windSpeed(ms: number, units: Units): string {
  return inSpeed(ms * KMH_PER_MS, units.wind, 0);
}

export function height(m: number, units: Units): string {
  return units.altitude === "m" ? `${number(m)} m` : `${number(m / M_PER_FOOT)} ft`;
}

/** A rough distance: no digits that nobody measured. */
export function distance(km: number, units: Units): string {
  const unit = units.distance;
  const value = unit === "mi" ? km / KM_PER_MILE : unit === "nmi" ? km / KM_PER_NAUTICAL_MILE : km;
  return `${number(value, value < 10 ? 1 : 0)} ${unit}`;
}

export function temperature(celsius: number, units: Units): string {
  return units.temperature === "f" ? `${number(celsius * 1.8 + 32)} °F` : `${number(celsius, 1)} °C`;
}

export function rain(mm: number, units: Units): string {
  return units.rain === "in" ? `${number(mm / MM_PER_INCH, 2)} in` : `${number(mm, 1)} mm`;
}

/** Without marks between thousands, as pressures are written. */
export function pressure(hpa: number, units: Units): string {
  if (units.pressure === "inhg") return `${number(hpa / HPA_PER_INHG, 2)} inHg`;
  return units.pressure === "mmhg" ? `${number(hpa / HPA_PER_MMHG, 0, true)} mmHg` : `${number(hpa, 1, true)} hPa`;
}

/** The name of one of the 16 points of the compass, 0 being north. */
function point(sixteenth: number): string {
  return t("compass").split(" ")[sixteenth % 16] ?? "";
}

/** "270° W" */
export function bearing(deg: number): string {
  const whole = Math.round(deg);
  return `${whole === 0 ? 360 : whole}° ${point(Math.round(deg / 22.5))}`;
}

/** Decimals of a degree that mean something at each ambiguity; five are about a metre. */
const DEGREE_DIGITS = [5, 3, 2, 1, 0] as const;

/** Decimal degrees with hemisphere, no finer than the ambiguity (0-4) allows. */
export function latLng(latitude: number, longitude: number, ambiguity = 0): string {
  const digits = DEGREE_DIGITS[ambiguity] ?? 5;
  const ns = point(latitude < 0 ? 8 : 0);
  const ew = point(longitude < 0 ? 12 : 4);
  return `${number(Math.abs(latitude), digits)}° ${ns}, ${number(Math.abs(longitude), digits)}° ${ew}`;
}

/** Degrees of longitude of a cell of the Maidenhead grid, by the pairs of characters that name it; of latitude half of that. */
export const CELL_DEG = [20, 2, 1 / 12, 1 / 120] as const;

/** Maidenhead locator of six characters: of four when the position is vaguer than a minute, of two or eight for the grid. */
export function locator(latitude: number, longitude: number, characters: 2 | 4 | 6 | 8 = 6): string {
  // The poles and the date line belong to the last field; an edge to the cell north-east of it, though 1/12 is no binary number.
  let lon = Math.min(Math.max(longitude + 180, 0), 359.999999) + 1e-9;
  let lat = Math.min(Math.max(latitude + 90, 0), 179.999999) + 1e-9;
  let text = "";
  for (let pair = 0; pair * 2 < characters; pair++) {
    const wide = CELL_DEG[pair] as number;
    const cell = [Math.floor(lon / wide), Math.floor(lat / (wide / 2))];
    const first = pair === 0 ? "A" : "a";
    text += cell.map((n) => (pair % 2 === 1 ? String(n) : String.fromCharCode(first.charCodeAt(0) + n))).join("");
    lon %= wide;
    lat %= wide / 2;
  }
  return text;
}

/** What each degree of ambiguity (0-4 digits left out) hides: half a side of its box, in kilometres of latitude. */
const AMBIGUITY_KM = [0, 0.093, 0.93, 9.3, 56] as const;

export function ambiguityKm(level: number): number {
  return AMBIGUITY_KM[level] ?? 0;
}

/** "12 s", "3 min 20 s", "2 h 5 min", "4 d 3 h". Never negative: a clock ahead of ours is "just now". */
export function age(seconds: number): string {
  const s = Math.floor(seconds);
  if (!Number.isFinite(s)) return t("age.none");
  if (s < 1) return t("age.now");
  return t("age.ago", { age: duration(s) });
}

function duration(s: number): string {
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    small > 0 ? `${big} ${bigUnit} ${small} ${smallUnit}` : `${big} ${bigUnit}`;
  const [second, minute, hour, day] = [t("unit.second"), t("unit.minute"), t("unit.hour"), t("unit.day")];
  if (s < 60) return `${s} ${second}`;
  if (s < 3600) return pair(Math.floor(s / 60), minute, s < 600 ? s % 60 : 0, second);
  if (s < 86400) return pair(Math.floor(s / 3600), hour, Math.floor((s % 3600) / 60), minute);
  return pair(Math.floor(s / 86400), day, Math.floor((s % 86400) / 3600), hour);
}

/** "2026-11-23 19:58:03 UTC" and the same moment by the clock of the viewer, each labelled. */
export function moment(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "";
  const utc = `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const local = new Intl.DateTimeFormat(locale(), {
    dateStyle: "medium", timeStyle: "long",
  }).format(date);
  return `${utc}\n${local}`;
}
