import { describe, expect, it } from "vitest";
import { NO_CELL, cellOf, overlayOf } from "../../src/map/atlas";
import { Taken } from "../../src/map/labels";
import { copies, toX, toY } from "../../src/map/mercator";

const code = (text: string) => text.charCodeAt(0);

describe("the symbol sheet", () => {
  it("finds the cell of a table and code", () => {
    expect(cellOf(code("/"), code("!"))).toBe(0);
    expect(cellOf(code("/"), code(">"))).toBe(29);
    expect(cellOf(code("\\"), code("!"))).toBe(94);
    expect(cellOf(code("7"), code("#"))).toBe(96);
    expect(cellOf(code("/"), 32)).toBe(NO_CELL);
    expect(cellOf(0, 0)).toBe(NO_CELL);
  });
  it("knows overlays from plain tables", () => {
    expect([code("0"), code("9"), code("A"), code("Z"), code("/"), code("\\"), code("a")].map(overlayOf)).toEqual([0, 9, 10, 35, -1, -1, -1]);
  });
});

describe("the world", () => {
  it("has its middle at 0, 0 and ends at 85 degrees", () => {
    expect([toX(0), toY(0), toX(-180), toX(180)]).toEqual([0.5, 0.5, 0, 1]);
    expect(toY(90)).toBeCloseTo(0, 5);
    expect(toY(-90)).toBeCloseTo(1, 5);
  });
  it("is repeated where a view crosses the date line", () => {
    expect(copies(0.2, 0.4)).toEqual([0]);
    expect(copies(-0.1, 0.1)).toEqual([-1, 0]);
    expect(copies(0.9, 1.1)).toEqual([0, 1]);
    expect(copies(-100, 100).length).toBeLessThanOrEqual(5);
  });
});

describe("labels", () => {
  it("take only free room", () => {
    const taken = new Taken();
    expect(taken.take(0, 0, 100, 16)).toBe(true);
    expect(taken.take(50, 8, 150, 24)).toBe(false);
    expect(taken.take(100, 0, 200, 16)).toBe(true);
    expect(taken.take(-50, -20, 300, -1)).toBe(true);
    expect(taken.take(190, 10, 400, 30)).toBe(false);
  });
});
