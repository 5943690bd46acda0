/**
 * Reads a file of GPX, KML or GeoJSON into lines, areas and points. Everything in it is taken for hostile: sizes are
 * bounded, numbers are checked, names are text and nothing else of the file is kept.
 */
import { gpx, kml } from "@tmcw/togeojson";
import { toX, toY } from "./mercator";

export const MOST_BYTES = 20 * 1024 * 1024;
/** Positions that are kept of a file. */
const MOST_POSITIONS = 300_000;
const MOST_FEATURES = 20_000;
const MOST_NAME = 80;
const DEEPEST = 20;

export interface Shape {
  kind: "line" | "area" | "point";
  name: string;
  /** Web Mercator, x and y in turn; x goes on beyond 0..1 where a line crosses the date line. */
  xy: Float64Array;
}

/** What is drawn of a file. */
export interface Drawing {
  shapes: Shape[];
  /** There was more than is kept. */
  cut: boolean;
}

/** Why a file cannot be drawn; the page has a text for each. */
export class FileError extends Error {
  readonly why: "kind" | "size" | "broken" | "empty";
  constructor(why: FileError["why"]) {
    super(why);
    this.why = why;
  }
}

/** Reads a file by its content; its name tells nothing. Throws a FileError. */
export function readDrawing(text: string): Drawing {
  const start = text.replace(/^\uFEFF/, "").trimStart();
  let parsed: unknown;
  if (start.startsWith("{")) {
    try {
      parsed = JSON.parse(start);
    } catch {
      throw new FileError("broken");
    }
  } else if (start.startsWith("<")) {
    parsed = fromXml(start);
  } else {
    throw new FileError("kind");
  }
  const drawing: Drawing = { shapes: [], cut: false };
  const left = { positions: MOST_POSITIONS };
  walk(parsed, "", drawing, left, 0);
  if (drawing.shapes.length === 0) throw new FileError("empty");
  return drawing;
}

function fromXml(text: string): unknown {
  const document = new DOMParser().parseFromString(text, "application/xml");
  if (document.querySelector("parsererror") !== null) throw new FileError("broken");
  const root = document.documentElement.localName;
  try {
    if (root === "gpx") return gpx(document);
    if (root === "kml") return kml(document);
  } catch {
    throw new FileError("broken");
  }
  throw new FileError("kind");
}

interface Loose {
  type?: unknown;
  features?: unknown;
  geometry?: unknown;
  geometries?: unknown;
  coordinates?: unknown;
  properties?: { name?: unknown; title?: unknown } | null;
}

function walk(value: unknown, name: string, to: Drawing, left: { positions: number }, depth: number): void {
  if (typeof value !== "object" || value === null || depth > DEEPEST) return;
  const one = value as Loose;
  const list = (many: unknown, each: (item: unknown) => void) => {
    if (Array.isArray(many)) for (const item of many) each(item);
  };
  const lines = (kind: "line" | "area") => (line: unknown) => add(to, left, kind, name, line);
  switch (one.type) {
    case "FeatureCollection": list(one.features, (feature) => walk(feature, "", to, left, depth + 1)); break;
    case "Feature": {
      const called = one.properties?.name ?? one.properties?.title;
      walk(one.geometry, typeof called === "string" ? clean(called) : "", to, left, depth + 1);
      break;
    }
    case "GeometryCollection": list(one.geometries, (geometry) => walk(geometry, name, to, left, depth + 1)); break;
    case "Point": add(to, left, "point", name, [one.coordinates]); break;
    case "MultiPoint": list(one.coordinates, (position) => add(to, left, "point", name, [position])); break;
    case "LineString": add(to, left, "line", name, one.coordinates); break;
    case "MultiLineString": list(one.coordinates, lines("line")); break;
    case "Polygon": list(one.coordinates, lines("area")); break;
    case "MultiPolygon": list(one.coordinates, (polygon) => list(polygon, lines("area"))); break;
    default: break;
  }
}

/** A name as one short line, without control characters. */
function clean(name: string): string {
  return [...name.slice(0, 4 * MOST_NAME).replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim()].slice(0, MOST_NAME).join("");
}

function add(to: Drawing, left: { positions: number }, kind: Shape["kind"], name: string, positions: unknown): void {
  if (!Array.isArray(positions)) return;
  if (to.shapes.length >= MOST_FEATURES) {
    to.cut = true;
    return;
  }
  const xy = new Float64Array(2 * Math.min(positions.length, left.positions));
  if (xy.length < 2 * positions.length) to.cut = true;
  let count = 0;
  for (const position of positions) {
    if (count === xy.length) break;
    if (!Array.isArray(position)) continue;
    const [lng, lat] = position as unknown[];
    if (typeof lng !== "number" || typeof lat !== "number" || !(Math.abs(lng) <= 540) || !(Math.abs(lat) <= 90)) continue;
    const x = toX(lng);
    // The shorter way: across the date line when that is it.
    xy[count] = count === 0 ? x : x + Math.round((xy[count - 2] as number) - x);
    xy[count + 1] = toY(lat);
    count += 2;
  }
  left.positions -= count / 2;
  if (count < (kind === "point" ? 2 : 4)) return;
  to.shapes.push({ kind, name, xy: xy.slice(0, count) });
}
