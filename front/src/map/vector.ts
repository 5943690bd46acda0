/**
 * A base map of vector tiles of the operator's own: the layers of Protomaps and of OpenMapTiles, drawn in the colours of
 * our map. Loaded when it is chosen. Bound: `CACHE` parsed tiles, the ones used longest ago leave first.
 */
import { VectorTile, type VectorTileFeature, type VectorTileLayer } from "@mapbox/vector-tile";
import type Leaflet from "leaflet";
import { PbfReader } from "pbf";
import type { Place } from "./basemap";
import L from "./leaflet";
import { DARK, LIGHT } from "./theme";

const SIZE = 512;
const CACHE = 120;
/** A tile with more features than this in a layer is drawn up to there. */
const MOST_FEATURES = 20_000;

interface Paints {
  water: string;
  land: string;
  green: string;
  town: string;
  building: string;
  border: string;
  major: string;
  minor: string;
  edge: string;
  rail: string;
}

const LIGHT_PAINTS: Paints = {
  water: LIGHT.water, land: LIGHT.land, green: "#e3ead7", town: "#ece7dd", building: "#dfd8cb", border: LIGHT.border, major: "#f7dfb0", minor: "#ffffff",
  edge: "#d8cfc0", rail: "#bdb5aa",
};
const DARK_PAINTS: Paints = {
  water: DARK.water, land: DARK.land, green: "#1c2a28", town: "#202a32", building: "#26323b", border: DARK.border, major: "#4b4636", minor: "#34414c",
  edge: "#141c22", rail: "#3a4650",
};

const MAJOR = new Set(["highway", "major_road", "motorway", "trunk", "primary", "secondary", "tertiary"]);
const MINOR = new Set(["minor_road", "minor", "service", "street", "medium_road", "path", "other", "track"]);
const GREEN = /wood|forest|park|grass|scrub|nature|meadow|farm|garden|cemetery|golf|pitch/;
const TOWN = /residential|industrial|commercial|urban|school|hospital|university/;

/** What a feature is, by the words of either scheme. */
function kindOf(feature: VectorTileFeature): string {
  const { kind, class: ofClass, "pmap:kind": old } = feature.properties;
  return String(kind ?? ofClass ?? old ?? "");
}

export class VectorMap extends L.GridLayer {
  private dark: boolean;
  private readonly template: string;
  private readonly lastZoom: number;
  private readonly parsed = new Map<string, Promise<VectorTile | null>>();

  constructor(url: string, lastZoom: number, attribution: string, dark: boolean) {
    super({ tileSize: SIZE, minZoom: 0, maxZoom: 19, updateWhenZooming: false, keepBuffer: 1, attribution, className: "basemap" });
    this.template = url;
    this.lastZoom = lastZoom;
    this.dark = dark;
  }

  setDark(dark: boolean): void {
    if (dark === this.dark) return;
    this.dark = dark;
    this.redraw();
  }

  private tile(z: number, x: number, y: number): Promise<VectorTile | null> {
    const key = `${z}/${x}/${y}`;
    const known = this.parsed.get(key);
    if (known !== undefined) {
      this.parsed.delete(key);
      this.parsed.set(key, known);
      return known;
    }
    const url = this.template.replace("{z}", String(z)).replace("{x}", String(x)).replace("{y}", String(y));
    const tile = fetch(url).then(async (answer) => {
      if (answer.status === 204) return null;
      if (!answer.ok) throw new Error(`base map tile ${key}: ${answer.status}`);
      return new VectorTile(new PbfReader(new Uint8Array(await answer.arrayBuffer())));
    });
    tile.catch(() => this.parsed.delete(key));
    this.parsed.set(key, tile);
    if (this.parsed.size > CACHE) this.parsed.delete(this.parsed.keys().next().value as string);
    return tile;
  }

  /** The named places of a view (Web Mercator 0..1), as the embedded map tells its own. */
  async placesIn(language: string, zoom: number, west: number, north: number, east: number, south: number): Promise<Place[]> {
    const z = Math.max(0, Math.min(this.lastZoom, Math.round(zoom)));
    const n = 2 ** z;
    const wanted: Promise<Place[]>[] = [];
    for (let x = Math.floor(west * n); x <= Math.floor(east * n); x++) {
      for (let y = Math.max(0, Math.floor(north * n)); y <= Math.min(n - 1, Math.floor(south * n)) && wanted.length < 40; y++) {
        wanted.push(this.tile(z, ((x % n) + n) % n, y).then((tile) => placesOf(tile, language, z, x, y), () => []));
      }
    }
    return (await Promise.all(wanted)).flat();
  }

  override createTile(coords: Leaflet.Coords, done: Leaflet.DoneCallback): HTMLElement {
    const element = document.createElement("canvas");
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    element.width = SIZE * ratio;
    element.height = SIZE * ratio;
    const context = element.getContext("2d");
    // A tile of 512 pixels at zoom z covers what one of 256 covers at z - 1.
    const z = Math.max(0, coords.z - 1);
    const source = Math.min(this.lastZoom, z);
    const up = 2 ** (z - source);
    const n = 2 ** source;
    const [x, y] = [Math.floor(coords.x / up), Math.floor(coords.y / up)];
    if (context === null || y < 0 || y >= n) {
      setTimeout(() => done(undefined, element));
      return element;
    }
    context.scale(ratio, ratio);
    this.tile(source, ((x % n) + n) % n, y).then(
      (tile) => {
        draw(context, tile, this.dark ? DARK_PAINTS : LIGHT_PAINTS, coords.z, up, coords.x - x * up, coords.y - y * up);
        done(undefined, element);
      },
      (error: Error) => done(error, element),
    );
    return element;
  }
}

function draw(context: CanvasRenderingContext2D, tile: VectorTile | null, paints: Paints, zoom: number, up: number, dx: number, dy: number): void {
  const layers = tile?.layers ?? {};
  // OpenMapTiles has no layer of land: what is not water is.
  const landless = layers["earth"] === undefined && layers["land"] === undefined && (layers["transportation"] ?? layers["landcover"]) !== undefined;
  context.fillStyle = landless ? paints.land : paints.water;
  context.fillRect(0, 0, SIZE, SIZE);
  if (tile === null) return;
  context.lineJoin = "round";
  const pathOf = (layer: VectorTileLayer | undefined, type: number, wanted: (kind: string) => boolean = () => true) => {
    const path = new Path2D();
    if (layer === undefined) return path;
    const scale = (SIZE * up) / layer.extent;
    for (let i = 0; i < Math.min(layer.length, MOST_FEATURES); i++) {
      const feature = layer.feature(i);
      if (feature.type !== type || !wanted(kindOf(feature))) continue;
      for (const ring of feature.loadGeometry()) {
        ring.forEach((point, at) => {
          const [px, py] = [point.x * scale - dx * SIZE, point.y * scale - dy * SIZE];
          if (at === 0) path.moveTo(px, py);
          else path.lineTo(px, py);
        });
      }
    }
    return path;
  };
  const [line, area] = [2, 3];
  const fill = (path: Path2D, colour: string) => {
    context.fillStyle = colour;
    context.fill(path, "evenodd");
  };
  const stroke = (path: Path2D, colour: string, width: number) => {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(path);
  };
  for (const name of ["earth", "land"]) fill(pathOf(layers[name], area), paints.land);
  for (const name of ["landcover", "landuse"]) {
    fill(pathOf(layers[name], area, (kind) => TOWN.test(kind)), paints.town);
    fill(pathOf(layers[name], area, (kind) => GREEN.test(kind)), paints.green);
  }
  for (const name of ["water", "lakes"]) fill(pathOf(layers[name], area), paints.water);
  for (const name of ["water", "waterway"]) stroke(pathOf(layers[name], line), paints.water, zoom > 12 ? 2 : 1);
  for (const name of ["buildings", "building"]) fill(pathOf(layers[name], area), paints.building);
  const roads = layers["roads"] ?? layers["transportation"];
  stroke(pathOf(roads, line, (kind) => kind === "rail"), paints.rail, 1);
  if (zoom >= 11) {
    const minor = pathOf(roads, line, (kind) => MINOR.has(kind));
    const wide = Math.max(0.8, (zoom - 11) * 1.1);
    if (zoom >= 13) stroke(minor, paints.edge, wide + 1.5);
    stroke(minor, zoom >= 13 ? paints.minor : paints.edge, wide);
  }
  const major = pathOf(roads, line, (kind) => MAJOR.has(kind));
  const wide = Math.max(1, (zoom - 7) * 0.9);
  stroke(major, paints.edge, wide + 1.5);
  stroke(major, paints.major, wide);
  for (const name of ["boundaries", "boundary", "borders"]) stroke(pathOf(layers[name], line), paints.border, 1);
}

function placesOf(tile: VectorTile | null, language: string, z: number, x: number, y: number): Place[] {
  const layer = tile?.layers["places"] ?? tile?.layers["place"];
  const places: Place[] = [];
  const n = 2 ** z;
  for (let i = 0; layer !== undefined && i < Math.min(layer.length, MOST_FEATURES); i++) {
    const feature = layer.feature(i);
    const point = feature.loadGeometry()[0]?.[0];
    const { name, rank, population_rank: populated, [`name:${language}`]: own, [`name_${language}`]: alike } = feature.properties;
    // The buffer around a tile belongs to its neighbour.
    if (point === undefined || point.x < 0 || point.y < 0 || point.x >= layer.extent || point.y >= layer.extent) continue;
    const kind = kindOf(feature);
    const text = own ?? alike ?? name;
    if (text === undefined) continue;
    places.push({
      x: (x + point.x / layer.extent) / n,
      y: (y + point.y / layer.extent) / n,
      name: String(text),
      kind: kind === "country" ? "country" : kind === "state" || kind === "region" ? "state" : "city",
      // Protomaps counts people up (to about 17), the others down.
      rank: populated === undefined ? Number(rank ?? 4) : Math.max(0, (16 - Number(populated)) / 2),
    });
  }
  return places;
}
