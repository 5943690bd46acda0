/** The cut of the world into tiles (docs/protocol.md, Tiles) and which of them a view needs. */
import type { MapView } from "./types";
import type { TileId } from "./wire";

/** The server takes no more in one list. */
export const MAX_TILES = 64;
/** Part of the view added on each side, so that a short pan finds its stations there. */
const MARGIN = 0.2;

/** One number for a tile: exact, since level, x and y fit into 5 + 16 + 16 bits. */
export function tileKey(tile: TileId): number {
  return (tile.level * 65536 + tile.x) * 65536 + tile.y;
}

/** The level shown at a map zoom; 0 is the density of the world. */
export function levelForZoom(zoom: number): number {
  if (zoom < 5) return 0;
  if (zoom < 7) return 3;
  if (zoom < 9) return 5;
  if (zoom < 11) return 7;
  return 9;
}

/** The tiles of a view and a margin, nearest to its centre first, at most MAX_TILES; across the date line too. */
export function tilesForView(view: MapView): TileId[] {
  const level = levelForZoom(view.zoom);
  if (level === 0) return [{ level: 0, x: 0, y: 0 }];
  const side = 2 ** level;
  const width = Math.min(view.east - view.west, 1);
  const height = view.south - view.north;
  if (!(width > 0) || !(height > 0)) return [];
  const centreX = ((view.west + view.east) / 2) * side;
  const centreY = ((view.north + view.south) / 2) * side;
  const reachX = (width * side) * (0.5 + MARGIN);
  const reachY = (height * side) * (0.5 + MARGIN);
  const firstY = Math.max(0, Math.floor(centreY - reachY));
  const lastY = Math.min(side - 1, Math.floor(centreY + reachY));
  const firstX = Math.floor(centreX - reachX);
  const lastX = Math.min(Math.floor(centreX + reachX), firstX + side - 1);
  const found: { tile: TileId; distance: number }[] = [];
  for (let y = firstY; y <= lastY; y++) {
    for (let x = firstX; x <= lastX; x++) {
      const distance = Math.hypot(x + 0.5 - centreX, y + 0.5 - centreY);
      found.push({ tile: { level, x: ((x % side) + side) % side, y }, distance });
    }
  }
  found.sort((a, b) => a.distance - b.distance);
  return found.slice(0, MAX_TILES).map((entry) => entry.tile);
}
