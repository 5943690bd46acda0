/** Shapes, signs, circles on the sphere, fans, and what the address says of layers. */
import { describe, expect, test } from "vitest";
import { circle, destination, greatCircle } from "../../src/map/geo";
import { way } from "../../src/ui/geo";
import { carried, placed } from "../../src/map/hops";
import { areaOf, signOf } from "../../src/map/shapes";
import { fanPlace } from "../../src/map/spread";
import { parseLayers, parseTrail, trailHours } from "../../src/map/shown";
import { formatPlace, parsePlace } from "../../src/ui/url";

const object = (rest: string) => `N0CALL>APRS,TCPIP*:;SEARCH1  *231015z5130.00N\\00007.50W${rest}`;

describe("area objects", () => {
  test("a triangle, and the extents of the specification", () => {
    expect(areaOf(object("l303/405 words"))).toEqual({ shape: "triangle", filled: false, south: 0.09, east: 0.25, colour: 4, corridorKm: 0 });
  });
  test("a line to the left goes west and may have a corridor", () => {
    const area = areaOf(object("l6031205{12}"));
    expect(area).toMatchObject({ shape: "line", south: 0.09, east: -0.25, colour: 12 });
    expect(area?.corridorKm).toBeCloseTo(19.3, 1);
  });
  test("filled ones are those from 5 on, lines aside", () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((type) => areaOf(object(`l${type}05/105`))?.filled)).toEqual([false, false, false, false, false, true, false, true, true, true]);
  });
  test.each(["l7031905", "l", "lA03/405", "m703/405", "l703 405"])("%s is none", (rest) => expect(areaOf(object(rest))).toBeNull());
});

test("signposts carry one to three characters", () => {
  expect(["m{55}", "mlimit {120} here", "m{}", "m{1234}", "mnothing", "l{55}"].map((rest) => signOf(object(rest)))).toEqual(["55", "120", null, null, null, null]);
});

describe("on the sphere", () => {
  const munich = { lat: 48.137, lng: 11.575 };
  const lisbon = { lat: 38.722, lng: -9.139 };
  test("distances and bearings", () => {
    expect(way(munich, lisbon).km).toBeCloseTo(1967, -1);
    expect(way(munich, lisbon).deg).toBeCloseTo(245.45, 1);
    expect(way({ lat: 0, lng: 0 }, { lat: 0, lng: 180 }).km).toBeCloseTo(20_015, 0);
  });
  test("going there arrives there", () => {
    const there = destination(munich, way(munich, lisbon).deg, way(munich, lisbon).km);
    expect(there.lat).toBeCloseTo(lisbon.lat, 6);
    expect(there.lng).toBeCloseTo(lisbon.lng, 6);
  });
  test("great circles have no jump at the date line", () => {
    const points = greatCircle({ lat: 35, lng: 139 }, { lat: 37, lng: -122 });
    for (let i = 1; i < points.length; i++) expect(Math.abs((points[i]?.lng ?? 0) - (points[i - 1]?.lng ?? 0))).toBeLessThan(5);
    expect(Math.max(...points.map((one) => one.lat))).toBeGreaterThan(45);
  });
  test("every point of a circle is as far away", () => {
    for (const point of circle({ lat: 60, lng: 10 }, 50)) expect(way({ lat: 60, lng: 10 }, point).km).toBeCloseTo(50, 3);
  });
});

describe("radio paths", () => {
  const hop = (callsign: string, role: "source" | "digipeater" | "igate", used: boolean, place?: [number, number]) => ({ callsign, role, used, ...(place && { latitude: place[0], longitude: place[1] }) });
  const packet = { id: "1", received_at: "", raw: "", hops: [hop("A", "source", true, [1, 1]), hop("D", "digipeater", true), hop("W", "digipeater", false, [9, 9]), hop("G", "igate", true, [2, 2])] };
  test("leave out who did not carry the packet, and say where a place is missing", () => {
    expect(carried(packet).map((one) => one.callsign)).toEqual(["A", "D", "G"]);
    expect(placed(carried(packet)).map((one) => [one.hop.callsign, one.skipped])).toEqual([["A", false], ["G", true]]);
  });
});

test("fanned symbols stand apart", () => {
  for (const n of [2, 5, 10, 11, 25, 40]) {
    const places = Array.from({ length: n }, (_, i) => fanPlace(i, n));
    places.forEach(([x, y], i) => places.slice(i + 1).forEach(([a, b]) => expect(Math.hypot(x - a, y - b)).toBeGreaterThan(30)));
    places.forEach(([x, y]) => expect(Math.hypot(x, y)).toBeGreaterThan(30));
  }
});

test("trail and layers in the address; nonsense is as if it were not there", () => {
  expect(["?trail=24", "?trail=0", "?trail=999", "?trail=1e3", "?trail=-6", "", "?trail=168"].map(parseTrail)).toEqual([24, 1, 1, 1, 1, 1, 168]);
  expect([...(parseLayers("?layers=night,evil,grid") ?? [])]).toEqual(["grid", "night"]);
  expect([...(parseLayers("?layers=") ?? ["x"])]).toEqual([]);
  expect(parseLayers("?x=1")).toBeNull();
  trailHours.value = 12;
  expect(formatPlace(parsePlace("/", "?call=N0CALL"))).toContain("trail=12");
  trailHours.value = 1;
  expect(formatPlace(parsePlace("/", "?call=N0CALL"))).not.toContain("trail");
});
