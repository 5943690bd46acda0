/** Trails: what is drawn as a way, and what is not. */
import { describe, expect, test } from "vitest";
import { fixOf, type Fix, append, breaks, gapOf, lengthKm, pieces } from "../../src/map/trail";

const START = Date.parse("2026-11-25T10:00:00Z");
const MIN = 60_000;

function fix(minutes: number, lat: number, lng: number, more: Partial<Record<string, unknown>> = {}): Fix {
  const made = fixOf({ id: String(minutes), received_at: new Date(START + minutes * MIN).toISOString(), latitude: lat, longitude: lng, verdict: "accepted", ...more });
  if (made === null) throw new Error("no fix");
  return made;
}

function trail(...all: Fix[]): Fix[] {
  const fixes: Fix[] = [];
  for (const one of all) append(fixes, one);
  return fixes;
}

const shape = (fixes: Fix[]) => pieces(fixes).map((piece) => piece.map((one) => (one.ms - START) / MIN));

test("fixes that follow each other are one piece", () => {
  expect(shape(trail(fix(0, 48, 11), fix(2, 48.01, 11), fix(4, 48.02, 11)))).toEqual([[0, 2, 4]]);
});

test("a silence of many intervals breaks it, a short one does not", () => {
  expect(shape(trail(fix(0, 48, 11), fix(2, 48.01, 11), fix(4, 48.02, 11), fix(24, 48.1, 11), fix(26, 48.11, 11)))).toEqual([[0, 2, 4], [24, 26]]);
  expect(shape(trail(fix(0, 48, 11), fix(2, 48.01, 11), fix(4, 48.02, 11), fix(14, 48.05, 11)))).toEqual([[0, 2, 4, 14]]);
});

test("what is sent every half hour is not broken by half an hour, and nothing bridges three hours", () => {
  const slow = trail(fix(0, 48, 11), fix(30, 48.1, 11), fix(60, 48.2, 11), fix(120, 48.3, 11));
  expect(shape(slow)).toEqual([[0, 30, 60, 120]]);
  expect(gapOf([fix(0, 48, 11), fix(90, 48.1, 11), fix(180, 48.2, 11)])).toBe(180 * MIN);
});

test("a speed that nobody drives breaks it; an aircraft may", () => {
  expect(shape(trail(fix(0, 48, 11), fix(1, 48.01, 11), fix(2, 48.2, 11), fix(3, 48.21, 11)))).toEqual([[0, 1], [2, 3]]);
  const high = { altitude_m: 10_000 };
  expect(breaks(fix(0, 48, 11, high), fix(1, 48.1, 11, high), 60 * MIN)).toBe(false);
  const fast = { speed_kmh: 400 };
  expect(breaks(fix(0, 48, 11, fast), fix(1, 48.06, 11, fast), 60 * MIN)).toBe(false);
});

test("what cannot be right is kept with its reason and led nowhere", () => {
  const fixes = trail(fix(0, 48, 11), fix(1, 58, 21, { verdict: "implausible", reason: "too fast" }), fix(2, 48.01, 11));
  expect(shape(fixes)).toEqual([[0, 2]]);
  expect(fixes.map((one) => one.reason)).toEqual(["", "too fast", ""]);
});

test("a station that stays adds no points, and its stay is no silence", () => {
  const fixes = trail(fix(0, 48, 11), ...Array.from({ length: 60 }, (_, i) => fix(i + 1, 48.00001, 11)), fix(61, 48.01, 11));
  expect(fixes).toHaveLength(2);
  expect(shape(fixes)).toEqual([[0, 61]]);
});

test("late and repeated fixes are not taken", () => {
  const fixes = trail(fix(0, 48, 11), fix(5, 48.02, 11));
  expect(append(fixes, fix(3, 48.01, 11))).toBe(false);
  expect(append(fixes, fix(5, 48.02, 11))).toBe(false);
  expect(fixes).toHaveLength(2);
});

test("the date line is crossed, not the whole world", () => {
  const fixes = trail(fix(0, 0, 179.99), fix(2, 0, -179.99), fix(4, 0, -179.97));
  expect(fixes.map((one) => one.x > 0.99 && one.x < 1.01)).toEqual([true, true, true]);
  expect(lengthKm(pieces(fixes))).toBeCloseTo(4.45, 1);
});

describe("a point of the archive", () => {
  test.each([
    ["time", { received_at: "yesterday" }], ["latitude", { latitude: Number.NaN }], ["a missing place", { latitude: undefined }], ["beyond the pole", { latitude: 91 }],
  ])("without a sensible %s is none", (_, more) => {
    expect(fixOf({ id: "1", received_at: "2026-11-25T10:00:00Z", latitude: 1, longitude: 1, verdict: "accepted", ...more } as never)).toBeNull();
  });
});
