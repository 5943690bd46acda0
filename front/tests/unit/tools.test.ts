import { describe, expect, test } from "vitest";
import { FileError, readDrawing } from "../../src/map/read-file";
import { greatCircle } from "../../src/map/ruler";
import { parseRuler } from "../../src/map/shown";

describe("great circles", () => {
  test("Frankfurt to New York goes by the north of both", () => {
    const line = greatCircle({ lat: 50.03, lng: 8.56 }, { lat: 40.64, lng: -73.78 });
    expect(line.length).toBeGreaterThan(60);
    expect(Math.max(...line.map((one) => one.lat))).toBeGreaterThan(53);
    expect(line.at(-1)?.lat).toBeCloseTo(40.64, 6);
    expect(line.at(-1)?.lng).toBeCloseTo(-73.78, 6);
  });
  test("across the date line without a jump", () => {
    const line = greatCircle({ lat: 35, lng: 140 }, { lat: 37, lng: -122 });
    expect(line.every((one, i) => i === 0 || Math.abs(one.lng - (line[i - 1]?.lng as number)) < 5)).toBe(true);
    expect(line.at(-1)?.lng).toBeCloseTo(238, 6);
  });
  test("a point to itself, and to the other side of the globe", () => {
    for (const to of [{ lat: 1, lng: 1 }, { lat: -1, lng: -179 }]) {
      const line = greatCircle({ lat: 1, lng: 1 }, to);
      expect(line.every((one) => Number.isFinite(one.lat) && Number.isFinite(one.lng))).toBe(true);
    }
  });
});

test.each([
  ["?panel=ruler&ruler=48.1,11.5;48.2,11.6", 2], ["?ruler=48.1,11.5", 0], ["?panel=ruler&ruler=48.1,11.5;x", 0], ["?panel=ruler&ruler=91,0", 0],
  [`?panel=ruler&ruler=${Array.from({ length: 50 }, () => "1,1").join(";")}`, 20], ["?panel=ruler", 0],
])("%s has %i points", (search, count) => expect(parseRuler(search)).toHaveLength(count));

const why = (text: string) => {
  try {
    return readDrawing(text);
  } catch (error) {
    if (error instanceof FileError) return error.why;
    throw error;
  }
};
const feature = (geometry: unknown, name?: unknown) => JSON.stringify({ type: "Feature", properties: { name }, geometry });

describe("GeoJSON", () => {
  test("lines, areas and points with their names", () => {
    const read = readDrawing(JSON.stringify({ type: "FeatureCollection", features: [
      { type: "Feature", properties: { name: "  Way\u202e\n1 " }, geometry: { type: "LineString", coordinates: [[11, 48], [12, 49, 500]] } },
      { type: "Feature", properties: { title: "Field" }, geometry: { type: "Polygon", coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] } },
      { type: "Feature", properties: null, geometry: { type: "GeometryCollection", geometries: [{ type: "MultiPoint", coordinates: [[1, 2], [3, 4]] }] } },
    ] }));
    expect(read.shapes.map((one) => [one.kind, one.name, one.xy.length])).toEqual([["line", "Way 1", 4], ["area", "Field", 8], ["point", "", 2], ["point", "", 2]]);
    expect(read.shapes[0]?.xy[0]).toBeCloseTo(11 / 360 + 0.5, 12);
  });
  test("a line across the date line goes the short way", () => {
    const [line] = readDrawing(feature({ type: "LineString", coordinates: [[179, 0], [-179, 0]] })).shapes;
    expect((line?.xy[2] as number) - (line?.xy[0] as number)).toBeCloseTo(2 / 360, 12);
  });
  test("numbers that are none, and places that are nowhere, are left out", () => {
    const [line] = readDrawing(feature({ type: "LineString", coordinates: [[0, 0], ["1", 1], [Number.NaN, 1], [1, 91], [1e9, 0], null, [], [1, 1]] })).shapes;
    expect(line?.xy).toHaveLength(4);
  });
  test("much is cut", () => {
    const read = readDrawing(feature({ type: "LineString", coordinates: Array.from({ length: 400_000 }, (_, i) => [i / 4000, 0]) }));
    expect([read.cut, read.shapes[0]?.xy.length]).toEqual([true, 600_000]);
    const many = readDrawing(feature({ type: "MultiPoint", coordinates: Array.from({ length: 30_000 }, () => [1, 1]) }));
    expect([many.cut, many.shapes.length]).toEqual([true, 20_000]);
  });
  test("a name is short text", () => {
    expect(readDrawing(feature({ type: "Point", coordinates: [1, 1] }, "x".repeat(5000))).shapes[0]?.name).toHaveLength(80);
    expect(readDrawing(feature({ type: "Point", coordinates: [1, 1] }, { toString: "evil" })).shapes[0]?.name).toBe("");
  });
  test.each([
    ["", "kind"], ["PK\u0003\u0004", "kind"], ["[1]", "kind"], ["{", "broken"], ["{}", "empty"], [feature(null), "empty"], [feature({ type: "Point", coordinates: "1,1" }), "empty"],
    [feature({ type: "LineString", coordinates: [[1, 1]] }), "empty"], [feature({ type: "Polygon", coordinates: 7 }), "empty"],
    [`${'{"type":"GeometryCollection","geometries":['.repeat(500)}{"type":"Point","coordinates":[1,1]}${"]}".repeat(500)}`, "empty"],
  ])("%.40s: %s", (text, reason) => expect(why(text)).toBe(reason));
});
