/** A trail as numbers: fixes in order, where it breaks, how far it goes. Nothing here draws. */
import type { TrackPoint } from "./api";
import { way } from "../ui/geo";
import { toX, toY } from "./mercator";

export interface Fix {
  /** When it was received, and until when the station stayed there; ms since 1970. */
  ms: number;
  endMs: number;
  lat: number;
  lng: number;
  /** Web Mercator; x goes on beyond 0..1 where the trail crosses the date line. */
  x: number;
  y: number;
  /** NaN: unknown. */
  speedKmh: number;
  courseDeg: number;
  altitudeM: number;
  /** Id of its packet; empty for one that the stream told of and the archive has not yet. */
  id: string;
  /** Why it cannot be right; empty when it can. */
  reason: string;
}

/** A silence of so many usual intervals is a gap, but no shorter and no longer than these. */
const GAP_INTERVALS = 6;
const SHORTEST_GAP_MS = 15 * 60_000;
const LONGEST_GAP_MS = 3 * 3_600_000;
/** Faster than this between two fixes is no drive: km/h on the ground, and in the air. */
const GROUND_KMH = 250;
const AIR_KMH = 1300;
/** Above this nobody drives. */
const AIR_FROM_M = 4000;
/** Nearer than this is the same place: receivers wander. */
const SAME_PLACE_KM = 0.01;

/** A fix of the archive. */
export function fixOf(point: TrackPoint): Fix | null {
  const ms = Date.parse(point.received_at);
  const { latitude: lat, longitude: lng } = point;
  if (!Number.isFinite(ms) || !Number.isFinite(lat) || !Number.isFinite(lng) || Math.abs(lat) > 90 || Math.abs(lng) > 180) return null;
  return {
    ms, endMs: ms, lat, lng, x: toX(lng), y: toY(lat),
    speedKmh: point.speed_kmh ?? Number.NaN, courseDeg: point.course_deg ?? Number.NaN, altitudeM: point.altitude_m ?? Number.NaN,
    id: String(point.id), reason: point.verdict === "accepted" ? "" : (point.reason ?? point.verdict),
  };
}

/**
 * Adds a fix at the end. The same place again only says that the station stayed; one out of order is not taken. Whether
 * the trail became longer.
 */
export function append(fixes: Fix[], fix: Fix): boolean {
  const last = fixes.findLast((one) => one.reason === "");
  const newest = fixes.at(-1);
  if (newest !== undefined && fix.ms < newest.ms) return false;
  if (last !== undefined) {
    fix.x += Math.round(last.x - fix.x);
    if (fix.reason === "" && way(last, fix).km < SAME_PLACE_KM) {
      last.endMs = Math.max(last.endMs, fix.ms);
      return false;
    }
  }
  fixes.push(fix);
  return true;
}

/** Whether the way between two fixes is not known or not believed. */
export function breaks(from: Fix, to: Fix, gapMs: number): boolean {
  const ms = to.ms - from.endMs;
  if (ms > gapMs) return true;
  const km = way(from, to).km;
  if (km < 0.5) return false;
  const told = Math.max(from.speedKmh || 0, to.speedKmh || 0);
  const high = Math.max(from.altitudeM || 0, to.altitudeM || 0) > AIR_FROM_M;
  const most = Math.max(high ? AIR_KMH : GROUND_KMH, Math.min(AIR_KMH, told * 2.5));
  // Times are those of reception and may be a little late.
  return km / ((ms + 15_000) / 3_600_000) > most;
}

/** How long a silence may be within a trail: by what is usual for it. */
export function gapOf(fixes: readonly Fix[]): number {
  const steps: number[] = [];
  for (let i = 1; i < fixes.length; i++) steps.push((fixes[i] as Fix).ms - (fixes[i - 1] as Fix).endMs);
  steps.sort((a, b) => a - b);
  const usual = steps[steps.length >> 1] ?? 0;
  return Math.max(SHORTEST_GAP_MS, Math.min(LONGEST_GAP_MS, usual * GAP_INTERVALS));
}

/** The believable fixes in pieces: within a piece each leads to the next. A piece of one is a place, not a way. */
export function pieces(fixes: readonly Fix[]): Fix[][] {
  const good = fixes.filter((one) => one.reason === "");
  const gapMs = gapOf(good);
  const found: Fix[][] = [];
  let before: Fix | null = null;
  for (const fix of good) {
    if (before === null || breaks(before, fix, gapMs)) found.push([fix]);
    else found.at(-1)?.push(fix);
    before = fix;
  }
  return found;
}

/** Kilometres along all pieces. */
export function lengthKm(found: readonly Fix[][]): number {
  let km = 0;
  for (const piece of found) for (let i = 1; i < piece.length; i++) km += way(piece[i - 1] as Fix, piece[i] as Fix).km;
  return km;
}
