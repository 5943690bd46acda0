import { expect, test } from "vitest";
import { pairsFor } from "../../src/map/layers";
import { subsolar, terminator } from "../../src/map/night";
import { locator } from "../../src/ui/format";

test("locators of known places", () => {
  // W1AW in Newington, Munich, Montevideo: as their operators publish them.
  expect(locator(41.714775, -72.727260, 6)).toBe("FN31pr");
  expect(locator(48.14666, 11.60833, 6)).toBe("JN58td");
  expect(locator(-34.91, -56.21166, 6)).toBe("GF15vc");
  expect(locator(48.14666, 11.60833, 8)).toBe("JN58td25");
});

test("an edge belongs to the cell north-east of it; the ends of the world have locators", () => {
  expect(locator(48, 10, 4)).toBe("JN58");
  expect(locator(0.5 / 24, 1 / 12, 6)).toBe("JJ00ba");
  expect(locator(90, 180, 6)).toBe("RR99xx");
  expect(locator(-90, -180, 6)).toBe("AA00aa");
});

test("fields, then squares, then subsquares, as the map grows", () => {
  expect([0, 2, 4, 7, 9, 11, 12, 15, 18].map((zoom) => pairsFor(256 * 2 ** zoom))).toEqual([0, 1, 1, 2, 2, 3, 3, 4, 4]);
});

test("the sun stands where the almanac has it", () => {
  // Solstices and equinoxes of 2026 (USNO): 20 March 14:46, 21 June 08:25, 23 September 00:05, 21 December 20:50 UTC.
  for (const [at, lat] of [["2026-03-20T14:46Z", 0], ["2026-06-21T08:25Z", 23.436], ["2026-09-23T00:05Z", 0], ["2026-12-21T20:50Z", -23.436]] as const) {
    expect(subsolar(Date.parse(at)).lat).toBeCloseTo(lat, 1);
  }
  // The equation of time: apparent noon in Greenwich was 16 min 25 s before mean noon on 3 November, 14 min 13 s after on 11 February.
  expect(Math.abs(subsolar(Date.parse("2026-11-03T11:43:35Z")).lng)).toBeLessThan(0.1);
  expect(Math.abs(subsolar(Date.parse("2026-02-11T12:14:13Z")).lng)).toBeLessThan(0.1);
});

test("on the terminator the sun is on the horizon", () => {
  const sun = subsolar(Date.parse("2026-11-25T09:00Z"));
  const rad = Math.PI / 180;
  for (let lng = -180; lng < 180; lng += 7) {
    const lat = terminator(sun, lng);
    const height = Math.sin(lat * rad) * Math.sin(sun.lat * rad) + Math.cos(lat * rad) * Math.cos(sun.lat * rad) * Math.cos((lng - sun.lng) * rad);
    expect(height).toBeCloseTo(0, 9);
  }
});
