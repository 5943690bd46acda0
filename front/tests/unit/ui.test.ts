import "../../src/ui/texts.en.panels";
import { describe, expect, test } from "vitest";
import { age, ambiguityKm, bearing, distance, height, latLng, locator, moment, pressure, rain, speed, temperature, windSpeed } from "../../src/ui/format";
import { plural, t } from "../../src/ui/i18n";
import { PRESETS, presetOf, readUnits, usualUnits } from "../../src/ui/units";
import { NOWHERE, formatPlace, parsePlace } from "../../src/ui/url";
import { visible } from "../../src/ui/visible";

const { metric, imperial, nautical } = PRESETS;

describe("address", () => {
  test("round trip", () => {
    const place = {
      view: { lat: 48.13743, lng: 11.57549, zoom: 14.5 }, call: "AB C/1", kind: "object" as const, follow: true,
      calls: ["DL1ABC-9", "A,B%", "<b>"], from: { lat: -1.5, lng: 179.99999 }, side: "near" as const,
      at: Date.UTC(2026, 10, 24, 10, 15, 7),
    };
    const url = new URL(formatPlace(place), "http://x");
    expect(parsePlace(url.pathname, url.search)).toEqual(place);
  });

  test("what makes no sense is not there", () => {
    expect(parsePlace("/", "?follow=1&panel=evil&from=1,2,3&calls=,,%20,")).toEqual(NOWHERE);
    expect(parsePlace("/", "?from=91,0&panel=near")).toEqual(NOWHERE);
    expect(parsePlace("/", "?panel=marked").side).toBe("");
    for (const at of ["", "yesterday", "2026-11-24", "2026-99-24T10:00:00Z", "1969-01-01T00:00:00Z", "2026-11-24T10:15:00"]) {
      expect(parsePlace("/", `?at=${at}`).at).toBeNull();
    }
    expect(parsePlace("/", `?calls=${Array.from({ length: 50 }, (_, i) => `N${i}`).join(",")}`).calls).toHaveLength(20);
    expect(parsePlace("/", "?calls=%E0%A4%A,A,A")).toMatchObject({ calls: ["A"], side: "marked" });
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
    expect(parsePlace("/", "?call=X&kind=evil").kind).toBeNull();
    expect(parsePlace("/", "?call=X").kind).toBeNull();
    expect(parsePlace("/", "?call=X&kind=object").kind).toBe("object");
  });
});

describe("quantities", () => {
  test("speeds", () => {
    expect([speed(100, metric), speed(100, imperial), speed(100, nautical)]).toEqual(["100 km/h", "62 mph", "54.0 kn"]);
    expect([windSpeed(10, metric), windSpeed(10, imperial)]).toEqual(["10.0 m/s", "22 mph"]);
  });

  test("heights, temperatures, rain", () => {
    expect([height(1234, metric), height(1234, imperial)]).toEqual(["1,234 m", "4,049 ft"]);
    expect([temperature(-40, metric), temperature(-40, imperial)]).toEqual(["-40.0 °C", "-40 °F"]);
    expect([rain(2.54, metric), rain(2.54, imperial)]).toEqual(["2.5 mm", "0.10 in"]);
  });

  test("each quantity by its own unit", () => {
    const mixed = { ...metric, speed: "ms", wind: "bft", pressure: "mmhg", rain: "in", distance: "nmi" } as const;
    expect([speed(36, mixed), windSpeed(8, mixed), windSpeed(0, mixed), windSpeed(90, mixed)]).toEqual(["10.0 m/s", "5 Bft", "0 Bft", "12 Bft"]);
    expect([pressure(1013.25, metric), pressure(1013.25, imperial), pressure(1013.25, mixed)]).toEqual(["1013.3 hPa", "29.92 inHg", "760 mmHg"]);
    expect([distance(1.852, mixed), distance(160.9344, imperial)]).toEqual(["1.0 nmi", "100 mi"]);
    expect(windSpeed(10, nautical)).toBe("19.4 kn");
  });

  test("units as stored: each kept if it is one, else the usual one", () => {
    expect(readUnits(null, metric)).toEqual(metric);
    expect(readUnits("imperial", metric)).toEqual(imperial);
    expect(readUnits('{"speed":"kn","rain":"evil","wind":3}', metric)).toEqual({ ...metric, speed: "kn" });
    for (const bad of ["{", "[]", "null", "7", '"x"', "__proto__"]) expect(readUnits(bad, metric)).toEqual(metric);
    expect([usualUnits("en-US"), usualUnits("en"), usualUnits("de-DE"), usualUnits("")]).toEqual([imperial, metric, metric, metric]);
    expect([presetOf(nautical), presetOf({ ...nautical, rain: "in" })]).toEqual(["nautical", ""]);
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

describe("text from the air", () => {
  test("what turns the direction of writing is seen and does nothing", () => {
    expect(visible("ab\u202ecd\u2067e")).toBe("ab[U+202E]cd[U+2067]e");
    expect(visible("\u202e\u202eab")).toBe("[U+202E][U+202E]ab");
  });

  test("controls have signs, letters of all scripts and emoji stay", () => {
    expect(visible("\u001c\u007f\u0085")).toBe("\u241c\u2421[U+0085]");
    const written = "Grüße שלום مرحبا 日本 👨‍👩‍👧 a\tb";
    expect(visible(written)).toBe(written);
  });
});
