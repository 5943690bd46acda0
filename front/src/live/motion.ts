/** How an entity moves on the screen from one fix to the next: one rule for those who draw it and those who note a new fix. */

/** A glide takes this long, however far. */
export const GLIDE_MS = 1200;
/** Further than this, as part of the world's width (about 25 km at 50° N), an entity jumps: a glide would be a lie. */
export const GLIDE_LIMIT = 0.001;

/** Part of the glide done, 0..1, slowing down towards its end. */
export function glide(movedAtMs: number, nowMs: number): number {
  const t = (nowMs - movedAtMs) / GLIDE_MS;
  if (!(t > 0)) return t <= 0 ? 0 : 1;
  if (t >= 1) return 1;
  return 1 - (1 - t) ** 3;
}

/** How fast the glide goes at a time: parts of it a millisecond. */
export function glideRate(movedAtMs: number, nowMs: number): number {
  const left = 1 - (nowMs - movedAtMs) / GLIDE_MS;
  return left > 0 && left <= 1 ? (3 * left ** 2) / GLIDE_MS : 0;
}
