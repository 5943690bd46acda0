/**
 * The embedded base map: vector tiles of zooms 0-6 from our own server, drawn on canvas, stretched beyond.
 * Bound: `CACHE` parsed tiles, the ones used longest ago leave first.
 */
import { VectorTile, type VectorTileFeature } from "@mapbox/vector-tile";
import type Leaflet from "leaflet";
import L from "./leaflet";
import { PbfReader } from "pbf";
import { DARK, LIGHT, type Theme } from "./theme";

const LAST_ZOOM = 6;
const CACHE = 160;
const SIZE = 512;

/** A named place of the base map. */
export interface Place {
  x: number;
  y: number;
  name: string;
  kind: "country" | "state" | "city";
  rank: number;
}

const parsed = new Map<string, Promise<VectorTile | null>>();

function fetchTile(z: number, x: number, y: number): Promise<VectorTile | null> {
  const key = `${z}/${x}/${y}`;
  const known = parsed.get(key);
  if (known !== undefined) {
    parsed.delete(key);
    parsed.set(key, known);
    return known;
  }
  const tile = fetch(`/basemap/${key}.mvt`).then(async (answer) => {
    if (answer.status === 204) return null;
    if (!answer.ok) throw new Error(`base map tile ${key}: ${answer.status}`);
    return new VectorTile(new PbfReader(new Uint8Array(await answer.arrayBuffer())));
  });
  tile.catch(() => parsed.delete(key));
  parsed.set(key, tile);
  if (parsed.size > CACHE) parsed.delete(parsed.keys().next().value as string);
  return tile;
}

/** The named places of the tiles that cover a view (Web Mercator 0..1); countries by their name in the language, where it has one. */
export async function placesIn(language: string, zoom: number, west: number, north: number, east: number, south: number): Promise<Place[]> {
  const z = Math.max(0, Math.min(LAST_ZOOM, Math.round(zoom)));
  const n = 2 ** z;
  const wanted: Promise<Place[]>[] = [];
  for (let x = Math.floor(west * n); x <= Math.floor(east * n); x++) {
    for (let y = Math.max(0, Math.floor(north * n)); y <= Math.min(n - 1, Math.floor(south * n)); y++) {
      if (wanted.length >= 40) break;
      const wrapped = ((x % n) + n) % n;
      wanted.push(fetchTile(z, wrapped, y).then((tile) => (tile === null ? [] : placesOf(tile, language, z, x, y)), () => []));
    }
  }
  return (await Promise.all(wanted)).flat();
}

function placesOf(tile: VectorTile, language: string, z: number, x: number, y: number): Place[] {
  const layer = tile.layers["places"];
  const places: Place[] = [];
  const n = 2 ** z;
  for (let i = 0; layer !== undefined && i < layer.length; i++) {
    const feature = layer.feature(i);
    const point = feature.loadGeometry()[0]?.[0];
    const { name, kind, rank, [`name_${language}`]: own } = feature.properties;
    // The buffer around a tile belongs to its neighbour.
    if (point === undefined || point.x < 0 || point.y < 0 || point.x >= layer.extent || point.y >= layer.extent) continue;
    places.push({
      x: (x + point.x / layer.extent) / n,
      y: (y + point.y / layer.extent) / n,
      name: String(own ?? name),
      kind: kind === "country" || kind === "state" ? kind : "city",
      rank: Number(rank),
    });
  }
  return places;
}

function trace(context: CanvasRenderingContext2D, feature: VectorTileFeature, scale: number, dx: number, dy: number): void {
  for (const ring of feature.loadGeometry()) {
    for (let i = 0; i < ring.length; i++) {
      const point = ring[i] as { x: number; y: number };
      const x = point.x * scale - dx;
      const y = point.y * scale - dy;
      if (i === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
  }
}

function draw(context: CanvasRenderingContext2D, tile: VectorTile | null, theme: Theme, zoom: number, scaleUp: number, dx: number, dy: number): void {
  context.fillStyle = theme.water;
  context.fillRect(0, 0, SIZE, SIZE);
  if (tile === null) return;
  const paint = (name: string, fill: string | null, stroke: string | null, width: number) => {
    const layer = tile.layers[name];
    if (layer === undefined) return;
    const scale = (SIZE * scaleUp) / layer.extent;
    context.beginPath();
    for (let i = 0; i < layer.length; i++) trace(context, layer.feature(i), scale, dx * SIZE, dy * SIZE);
    if (fill !== null) {
      context.fillStyle = fill;
      context.fill("evenodd");
    }
    if (stroke !== null) {
      context.strokeStyle = stroke;
      context.lineWidth = width;
      context.stroke();
    }
  };
  context.lineJoin = "round";
  paint("land", theme.land, null, 0);
  paint("lakes", theme.lake, null, 0);
  if (zoom >= 5) paint("states", null, theme.state, zoom >= 8 ? 1.4 : 0.9);
  paint("borders", null, theme.border, zoom >= 7 ? 1.6 : 1);
}

export class Basemap extends L.GridLayer {
  private theme: Theme;

  constructor(dark: boolean) {
    super({ tileSize: SIZE, minZoom: 0, maxZoom: 19, updateWhenZooming: false, keepBuffer: 1, className: "basemap" });
    this.theme = dark ? DARK : LIGHT;
  }

  setDark(dark: boolean): void {
    this.theme = dark ? DARK : LIGHT;
    this.redraw();
  }

  override createTile(coords: Leaflet.Coords, done: Leaflet.DoneCallback): HTMLElement {
    const element = document.createElement("canvas");
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    element.width = SIZE * ratio;
    element.height = SIZE * ratio;
    const context = element.getContext("2d");
    // A tile of 512 pixels at zoom z covers what one of 256 covers at z - 1.
    const z = coords.z - 1;
    const source = Math.max(0, Math.min(LAST_ZOOM, z));
    const up = 2 ** (z - source);
    const n = 2 ** source;
    const x = Math.floor(coords.x / up);
    const y = Math.floor(coords.y / up);
    const part = (value: number) => (up >= 1 ? value - Math.floor(value / up) * up : 0);
    const theme = this.theme;
    if (context === null || y < 0 || y >= n) {
      setTimeout(() => done(undefined, element));
      return element;
    }
    context.scale(ratio, ratio);
    fetchTile(source, ((x % n) + n) % n, y).then(
      (tile) => {
        draw(context, tile, theme, coords.z, up, part(coords.x), part(coords.y));
        done(undefined, element);
      },
      (error: Error) => done(error, element),
    );
    return element;
  }
}
