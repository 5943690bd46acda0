/**
 * How faint a silent entity is. What beacons every minute is missed after a few; an object that is sent every half hour
 * is not. Without a known interval the kind decides.
 */

/** As faint as it gets. */
export const FAINT = 0.35;

/** Missed beacons at which fading begins, and at which it ends. */
const FROM_BEACONS = 3;
const TO_BEACONS = 12;

/** Seconds of silence at which fading begins and ends, by kind, when nobody knows the interval. */
const MOVING = [900, 2 * 3600] as const;
const FIXED = [1800, 6 * 3600] as const;
const OBJECT = [3600, 6 * 3600] as const;

/** 1 when just heard, down to FAINT. `kind` 0 station, 1 object, 2 item; `intervalS` 0 when unknown. */
export function visibility(kind: number, moving: boolean, intervalS: number, ageS: number): number {
  const [least, most] = moving ? MOVING : kind === 0 ? FIXED : OBJECT;
  const from = intervalS === 0 ? least : Math.min(6 * 3600, Math.max(300, FROM_BEACONS * intervalS));
  const to = intervalS === 0 ? most : Math.min(24 * 3600, Math.max(1800, TO_BEACONS * intervalS));
  if (ageS <= from) return 1;
  return Math.max(FAINT, 1 - ((ageS - from) / (to - from)) * (1 - FAINT));
}
