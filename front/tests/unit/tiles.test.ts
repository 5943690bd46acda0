import { expect, test } from "vitest";
import { MAX_TILES, levelForZoom, tileKey, tilesForView } from "../../src/live/tiles";

test("levels follow the table of the protocol", () => {
  expect([0, 4.99, 5, 6.5, 7, 8.9, 9, 10.9, 11, 19].map(levelForZoom)).toEqual([0, 0, 3, 3, 5, 5, 7, 7, 9, 9]);
});

test("keys tell all tiles apart", () => {
  expect(new Set([[9, 511, 0], [9, 0, 511], [7, 0, 0], [9, 0, 0]].map(([level = 0, x = 0, y = 0]) => tileKey({ level, x, y }))).size).toBe(4);
});

test("a view gets the tiles under it and around it, the middle first", () => {
  const tiles = tilesForView({ zoom: 9, west: 0.5, east: 0.52, north: 0.3, south: 0.31 });
  expect(tiles[0]).toEqual({ level: 7, x: 65, y: 39 });
  expect(tiles).toContainEqual({ level: 7, x: 63, y: 38 });
  expect(tiles).toContainEqual({ level: 7, x: 67, y: 39 });
  expect(tiles).toHaveLength(10);
});

test("the date line is crossed, no tile twice", () => {
  const tiles = tilesForView({ zoom: 5, west: -0.1, east: 1.1, north: -0.2, south: 1.2 });
  expect(new Set(tiles.map(tileKey)).size).toBe(tiles.length);
  expect(tiles.length).toBeLessThanOrEqual(MAX_TILES);
  expect(tilesForView({ zoom: 9, west: -0.01, east: 0.01, north: 0.5, south: 0.51 })).toContainEqual({ level: 7, x: 126, y: 64 });
});

test("never more than the server takes; nothing for a map without a size", () => {
  expect(tilesForView({ zoom: 11, west: 0.4, east: 0.6, north: 0.4, south: 0.6 })).toHaveLength(MAX_TILES);
  expect(tilesForView({ zoom: 9, west: 0.5, east: 0.5, north: 0.5, south: 0.5 })).toEqual([]);
  expect(tilesForView({ zoom: 9, west: Number.NaN, east: 1, north: 0, south: 1 })).toEqual([]);
});
