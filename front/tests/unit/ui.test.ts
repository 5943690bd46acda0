import { describe, expect, test } from "vitest";
import { age, ambiguityKm, bearing, height, latLng, locator, moment, rain, speed, temperature, windSpeed } from "../../src/ui/format";
import { plural, t } from "../../src/ui/i18n";
import { formatPlace, parsePlace } from "../../src/ui/url";

describe("address", () => {
  test("round trip", () => {
    const place = { view: { lat: 48.13743, lng: 11.57549, zoom: 14.5 }, call: "AB C/1", kind: "object" as const };
    const url = new URL(formatPlace(place), "http://x");
    expect(parsePlace(url.pathname, url.search)).toEqual(place);
  });

  test.each(["?lat=91&lng=0&z=5", "?lat=&lng=0", "?lat=1e1&lng=0", "?lat=NaN&lng=1", "?lng=3", "?lat=48;drop&lng=1", "?lat=1&lng=181"])(
    "%s has no view", (query) => expect(parsePlace("/", query).view).toBeNull());

  test.each(["?lat=1&lng=2", "?lat=1&lng=2&z=99", "?lat=1&lng=2&z=-3", "?lat=1&lng=2&z=x"])("%s keeps the place, not the zoom", (query) =>
    expect(parsePlace("/", query).view).toEqual({ lat: 1, lng: 2, zoom: 10 }));

  test("a name in the path", () => {
    expect(parsePlace("/N0CALL-9", "").call).toBe("N0CALL-9");
    expect(parsePlace("/A%20B%2F", "").call).toBe("A B/");
    expect(parsePlace("/%E0%A4%A", "").call).toBeNull();
    expect(parsePlace("/", "?call=%20").call).toBeNull();
    expect(parsePlace("/", `?call=${"x".repeat(65)}`).call).toBeNull();
    expect(parsePlace("/", "?call=X&kind=evil").kind).toBe("station");
  });
});

describe("quantities", () => {
  test("speeds", () => {
    expect([speed(100, "metric"), speed(100, "imperial"), speed(100, "nautical")]).toEqual(["100 km/h", "62 mph", "54.0 kn"]);
    expect([windSpeed(10, "metric"), windSpeed(10, "imperial")]).toEqual(["10.0 m/s", "22 mph"]);
  });

  test("heights, temperatures, rain", () => {
    expect([height(1234, "metric"), height(1234, "imperial")]).toEqual(["1,234 m", "4,049 ft"]);
    expect([temperature(-40, "metric"), temperature(-40, "imperial")]).toEqual(["-40.0 °C", "-40 °F"]);
    expect([rain(2.54, "metric"), rain(2.54, "imperial")]).toEqual(["2.5 mm", "0.10 in"]);
  });

  test("bearings: north is 360", () => {
    expect([bearing(0), bearing(359.9), bearing(270), bearing(11)]).toEqual(["360° N", "360° N", "270° W", "11° N"]);
  });

  test("positions show no digit that the ambiguity hides", () => {
    expect(latLng(48.123456, -11.5)).toBe("48.12346° N, 11.50000° W");
    expect(latLng(-48.123456, 11.5, 2)).toBe("48.12° S, 11.50° E");
    expect(ambiguityKm(4)).toBeGreaterThan(50);
  });

  test("locators", () => {
    expect(locator(48.14666, 11.60833)).toBe("JN58td");
    expect(locator(-34.91, -56.21166)).toBe("GF15vc");
    expect(locator(38.92, -77.065, 4)).toBe("FM18");
    expect([locator(90, 180), locator(-90, -180)]).toEqual(["RR99xx", "AA00aa"]);
  });

  test("ages", () => {
    expect([-5, 0.4, 12, 65, 700, 7500, 90_000].map(age)).toEqual(
      ["just now", "just now", "12 s ago", "1 min 5 s ago", "11 min ago", "2 h 5 min ago", "1 d 1 h ago"]);
    expect(age(Number.NaN)).toBe("never");
    expect(moment(Date.UTC(2026, 0, 2, 3, 4, 5))).toMatch(/^2026-01-02 03:04:05 UTC\n/);
    expect(moment(Number.NaN)).toBe("");
  });
});

test("texts: parameters are filled in as they are, plurals by number", () => {
  expect(t("card.by", { owner: "$& {owner}" })).toBe("by $& {owner}");
  expect(plural("pulse.entities", 1)).toBe("1 station");
  expect(plural("pulse.entities", 12345)).toBe("12,345 stations");
});
