/** Finding without a page: what suggestions an answer makes, lists and their order, ways on the globe, sheets, the worker's routes. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EVERYTHING } from "../../src/live/filter";
import type { EntityColumns } from "../../src/live/types";
import type { StationDetail } from "../../src/ui/api";
import { way } from "../../src/ui/geo";
import { countInView } from "../../src/ui/inview";
import { type Line, keepOrder, windowOf } from "../../src/ui/panels/list";
import { callsignOf, othersOf } from "../../src/ui/panels/others";
import { igateOf, isAlias, repeaters } from "../../src/ui/panels/path-words";
import { heightOf, rest } from "../../src/ui/panels/sheet";
import { readRecent } from "../../src/ui/recent";
import { suggestionsOf } from "../../src/ui/suggest";
import { route } from "../../src/sw/routes";

const entity = (name: string, kind: "station" | "object" = "station") => ({ name, kind, last_heard: "2026-01-02T03:04:05Z" });

describe("suggestions", () => {
  const point = { kind: "locator" as const, text: "JN58", latitude: 48.5, longitude: 11, zoom: 9 };
  const place = { name: "Jena", country: "DE", latitude: 50.9, longitude: 11.6, zoom: 11 };

  test("the exact name, then the point, then names, then places", () => {
    const made = suggestionsOf("jn58", { results: [entity("JN58X"), entity("JN58")], total: 2, places: [place], locations: [point] });
    expect(made.map((one) => ("name" in one ? one.name : one.is))).toEqual(["JN58", "JN58", "JN58X", "Jena"]);
  });

  test("several of a callsign or a wildcard can be marked together; beginnings alone cannot", () => {
    const answer = (names: string[]) => ({ results: names.map((name) => entity(name)), total: names.length, places: [], locations: [] });
    expect(suggestionsOf("N0CALL", answer(["N0CALL", "N0CALL-9", "N0CALLX"])).at(-1)).toEqual({ is: "all", names: ["N0CALL", "N0CALL-9"], total: 2 });
    expect(suggestionsOf("N0*", answer(["N0A", "N0B"])).at(-1)).toEqual({ is: "all", names: ["N0A", "N0B"], total: 2 });
    expect(suggestionsOf("N0", answer(["N0A", "N0B"])).map((one) => one.is)).toEqual(["entity", "entity"]);
  });

  test("what is not shown is counted, and can be", () => {
    const names = Array.from({ length: 54 }, (_, i) => `SP9X${i}`);
    const answer = { results: names.map((name) => entity(name)), total: 54, places: [], locations: [] };
    const some = suggestionsOf("SP9*", answer);
    expect(some.filter((one) => one.is === "entity")).toHaveLength(10);
    expect(some.slice(-2)).toEqual([{ is: "all", names: names.slice(0, 20), total: 54 }, { is: "more", shown: 10, total: 54 }]);
    const all = suggestionsOf("SP9*", answer, 100);
    expect(all.filter((one) => one.is === "entity")).toHaveLength(54);
    expect(all.at(-1)).toMatchObject({ is: "all" });
    const hundred = Array.from({ length: 100 }, (_, i) => entity(`SP9X${i}`));
    expect(suggestionsOf("SP9*", { ...answer, results: hundred, total: 812 }, 100).at(-1)).toEqual({ is: "part", shown: 100, total: 812 });
  });

  test("SSIDs beyond what the server gave are not taken for all of them", () => {
    const names = Array.from({ length: 10 }, (_, i) => `N0CALL-${i + 1}`);
    const answer = { results: names.map((name) => entity(name)), total: 14, places: [], locations: [] };
    expect(suggestionsOf("N0CALL", answer).map((one) => one.is)).toEqual([...Array<string>(10).fill("entity"), "more"]);
  });
});

test("recent searches: only what this page would have written", () => {
  const good = { is: "entity", name: "A", kind: "station" };
  const spot = { is: "place", name: "B", more: "", at: { lat: 1, lng: 2 }, zoom: 3 };
  expect(readRecent(JSON.stringify([good, spot, { ...good, kind: "x" }, { ...spot, zoom: null }, { ...spot, at: null }, null, 7, { ...good, name: "x".repeat(99) }])))
    .toEqual([good, spot]);
  for (const bad of [null, "", "{", "{}", "7", "null"]) expect(readRecent(bad)).toEqual([]);
  expect(readRecent(JSON.stringify(Array.from({ length: 50 }, () => good)))).toHaveLength(6);
});

describe("lists", () => {
  const line = (name: string, heardS = 0): Line => ({ slot: 0, name, kind: "station", heardS, at: { lat: 0, lng: 0 }, way: { km: 0, deg: 0 } });

  test("the order stays, news comes in, the gone go, the new wait", () => {
    const { lines, waiting } = keepOrder([line("B"), line("A"), line("C")], [line("A", 5), line("B", 6), line("D"), line("E")]);
    expect(lines.map((one) => [one.name, one.heardS])).toEqual([["B", 6], ["A", 5]]);
    expect(waiting).toBe(2);
  });

  test("the rows on the screen and a screen on each side, never beyond the ends", () => {
    expect(windowOf(10_000, 48, 48 * 500, 480)).toEqual({ first: 489, last: 522 });
    expect(windowOf(10_000, 48, 0, 480)).toEqual({ first: 0, last: 22 });
    expect(windowOf(5, 48, 0, 480)).toEqual({ first: 0, last: 5 });
    expect(windowOf(0, 48, 0, 480)).toEqual({ first: 0, last: 0 });
    // Scrolled to where the list has no rows any more.
    const { first, last } = windowOf(20, 48, 48 * 500, 480);
    expect(last - first).toBe(20);
  });

  test("other SSIDs: of the very callsign, stations only, in the order of numbers", () => {
    const found = ["N0CALL-13", "N0CALL", "N0CALL-2", "N0CALLX-1", "N0CALL-9"].map((name) => entity(name));
    expect(othersOf("N0CALL-9", [...found, entity("N0CALL-7", "object")]).map((one) => one.name)).toEqual(["N0CALL", "N0CALL-2", "N0CALL-13"]);
    expect([callsignOf("N0CALL"), callsignOf("N0CALL-WX")]).toEqual(["N0CALL", "N0CALL"]);
  });
});

test("ways: along the great circle, over the date line, to the poles and nowhere", () => {
  const munich = { lat: 48.1372, lng: 11.5756 };
  const { km, deg } = way(munich, { lat: 52.52, lng: 13.405 });
  expect([Math.round(km), Math.round(deg)]).toEqual([504, 14]);
  expect(way({ lat: 0, lng: 179.5 }, { lat: 0, lng: -179.5 })).toEqual({ km: expect.closeTo(111.2, 1), deg: expect.closeTo(90, 6) });
  expect(way(munich, munich).km).toBe(0);
  expect(way({ lat: 0, lng: 0 }, { lat: 90, lng: 0 })).toEqual({ km: expect.closeTo(10_007.6, 0), deg: 0 });
  expect(way({ lat: 0, lng: 0 }, { lat: 0, lng: 180 }).km).toBeCloseTo(20_015, 0);
});

test("the digipeaters that carried a packet: used, and no aliases", () => {
  const hop = (callsign: string, used: boolean) => ({ callsign, used });
  expect(repeaters([hop("DB0XYZ-2", true), hop("WIDE1", true), hop("WIDE2-1", true), hop("DB0ABC", false), hop("TCPIP", true)])).toEqual(["DB0XYZ-2"]);
  expect(repeaters([hop("WIDEX", true)])).toEqual(["WIDEX"]);
});

test("marks of networks are no stations, as the server has them", () => {
  const rust = readFileSync(new URL("../../../crates/packet/src/path.rs", import.meta.url), "utf8");
  const marks = /NETWORK_MARKS[^=]*= \[([^\]]*)\]/.exec(rust)?.[1]?.match(/\w+/g) ?? [];
  expect(marks.length).toBeGreaterThan(10);
  expect(marks.filter((mark) => !isAlias(mark) || !isAlias(`${mark}-2`))).toEqual([]);
  expect(["DM0DMR", "IRLP6950", "DB0XYZ"].filter(isAlias)).toEqual([]);
});

test("an igate is only who heard it on radio", () => {
  const of = (heard: string, q_construct: string) => igateOf({ heard, q_construct, igate: "DB0XYZ-10" } as StationDetail);
  expect([of("direct", "qAR"), of("digipeated", "qAo"), of("unknown", "qAS"), of("digipeated", "qAS"), of("internet", "qAR")])
    .toEqual(["DB0XYZ-10", "DB0XYZ-10", undefined, undefined, undefined]);
});

test("a sheet comes to rest at the nearest height, or closes", () => {
  const at = (px: number) => rest(px, 844);
  expect([at(20), at(80), at(250), at(300), at(600), at(640), at(2000)]).toEqual(["close", "peek", "peek", "half", "half", "full", "full"]);
  expect(heightOf("full", 844)).toBe(772);
});

test("the service worker: the page and its files, never the API, the stream or a probe", () => {
  for (const path of ["/", "/N0CALL-9", "/A%2FB"]) expect([path, route(path, true)]).toEqual([path, "page"]);
  for (const path of ["/api/v1/status", "/livez", "/readyz", "/metrics", "/sw.js", "/x/y", "/basemap/1/2/3.mvt"]) expect([path, route(path, true)]).toEqual([path, "past"]);
  expect([route("/assets/a-1.js", false), route("/manifest.webmanifest", false), route("/basemap/6/33/22.mvt", false)]).toEqual(["asset", "asset", "basemap"]);
  for (const path of ["/api/v1/search", "/live/v1/page.json", "/live/v1/tiles/9/1/1", "/history/v1/3/1/1/9", "/sw.js", "/", "/assets/../api/x"]) {
    expect([path, route(path, false)]).toEqual([path, "past"]);
  }
});

test("in view: across the date line too, counted with and without the filter", () => {
  const entities = {
    length: 4, version: 0, present: Uint8Array.of(1, 1, 1, 0), x: Float64Array.of(0.99, 0.01, 0.5, 0.995), y: new Float64Array(4).fill(0.5),
    speedKmh: Float32Array.of(10, Number.NaN, 10, 10), heardS: new Uint32Array(4), flags: new Uint8Array(4),
  } as unknown as EntityColumns;
  const view = (west: number, east: number) => ({ zoom: 6, west, east, north: 0.4, south: 0.6 });
  const moving = { ...EVERYTHING, moving: true };
  for (const [west, east] of [[0.95, 1.05], [-0.05, 0.05]] as const) {
    expect(countInView(entities, view(west, east), EVERYTHING)).toEqual({ shown: 2, all: 2 });
    expect(countInView(entities, view(west, east), moving)).toEqual({ shown: 1, all: 2 });
  }
  expect(countInView(entities, view(0.4, 0.6), EVERYTHING).all).toBe(1);
  expect(countInView(entities, view(-1, 2), EVERYTHING).all).toBe(3);
});
