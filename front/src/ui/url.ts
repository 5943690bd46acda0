/**
 * The address of the page keeps what is shown: `/?lat=..&lng=..&z=..&call=NAME`, or `/NAME`. Further: `follow=1` (the map
 * goes with the open station), `calls=A,B` (several marked), `from=LAT,LNG` (the point that distances are measured from),
 * `panel=` (what lies beside the map), `at=` (a moment of the past) and the filter.
 */

import { EVERYTHING, type Filter, writeFilter } from "../live/filter";

export type EntityKind = "station" | "object" | "item";

export interface LatLng {
  lat: number;
  lng: number;
}

export interface View extends LatLng {
  zoom: number;
}

/** What may lie beside the map, beneath the card of a station. */
export const SIDES = ["list", "near", "marked", "filter", "ruler", "files"] as const;
export type Side = "" | (typeof SIDES)[number];

export interface Place {
  /** Null when the address has no whole and sensible view. */
  view: View | null;
  /** Name and kind of the open card; without a kind the first of station, object and item that bears the name. */
  call: string | null;
  kind: EntityKind | null;
  follow: boolean;
  /** Names marked together, of whatever kind. */
  calls: readonly string[];
  from: LatLng | null;
  side: Side;
  /** The moment that is shown, ms since 1970; null: now. */
  at: number | null;
}

export const NOWHERE: Place = { view: null, call: null, kind: null, follow: false, calls: [], from: null, side: "", at: null };

/** A link marks at most this many. */
export const MOST_CALLS = 20;
const MAX_ZOOM = 20;
const MAX_NAME_BYTES = 64;

function decimal(text: string | null | undefined, limit: number): number | null {
  if (text == null || !/^-?\d{1,3}(\.\d{1,20})?$/.test(text)) return null;
  const value = Number(text);
  return Math.abs(value) <= limit ? value : null;
}

function name(text: string | null): string | null {
  if (text === null) return null;
  const trimmed = text.trim();
  return trimmed === "" || new TextEncoder().encode(trimmed).length > MAX_NAME_BYTES ? null : trimmed;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function fromPath(pathname: string): string | null {
  const segment = /^\/([^/]+)\/?$/.exec(pathname)?.[1];
  return segment === undefined || segment === "index.html" ? null : decoded(segment);
}

/** Names with commas between them; a comma within a name is written `%2C` (and so, in an address, `%252C`). */
function names(text: string | null): string[] {
  const found = (text ?? "").split(",").map((one) => name(decoded(one))).filter((one) => one !== null);
  return [...new Set(found)].slice(0, MOST_CALLS);
}

/** Reads `LAT,LNG`; null for anything else. */
export function parsePoint(text: string | null): LatLng | null {
  const [lat, lng, ...more] = (text ?? "").split(",");
  const found = { lat: decimal(lat, 90), lng: decimal(lng, 180) };
  return found.lat === null || found.lng === null || more.length > 0 ? null : { lat: found.lat, lng: found.lng };
}

function moment(text: string | null): number | null {
  const ms = /^\d{4}-\d\d-\d\dT[\d:.]{5,12}Z$/.test(text ?? "") ? Date.parse(text as string) : Number.NaN;
  return ms > 0 ? ms : null;
}

/** Reads an address; what does not make sense is as if it were not there. */
export function parsePlace(pathname: string, search: string): Place {
  const query = new URLSearchParams(search);
  const lat = decimal(query.get("lat"), 90);
  const lng = decimal(query.get("lng"), 180);
  const zoom = decimal(query.get("z"), MAX_ZOOM);
  const kind = query.get("kind");
  const call = name(query.get("call")) ?? name(fromPath(pathname));
  const calls = names(query.get("calls"));
  const from = parsePoint(query.get("from"));
  const side = SIDES.find((one) => one === query.get("panel")) ?? (calls.length > 0 && call === null ? "marked" : "");
  return {
    view: lat === null || lng === null ? null : { lat, lng, zoom: zoom === null || zoom < 1 ? 10 : zoom },
    call,
    kind: kind === "station" || kind === "object" || kind === "item" ? kind : null,
    follow: call !== null && query.get("follow") === "1",
    calls,
    from,
    side: (side === "near" && from === null) || (side === "marked" && calls.length === 0) ? "" : side,
    at: moment(query.get("at")),
  };
}

/** Other parts that keep something in the address: each writes its own parameters. */
export const writers = new Set<(query: URLSearchParams) => void>();

/** The address of a place and a filter, without host. */
export function formatPlace(place: Place, filter: Filter = EVERYTHING): string {
  const query = new URLSearchParams();
  if (place.view !== null) {
    // Digits by zoom: a pixel of the view, no more.
    const digits = Math.min(5, Math.max(2, Math.ceil(place.view.zoom / 3)));
    query.set("lat", place.view.lat.toFixed(digits));
    query.set("lng", place.view.lng.toFixed(digits));
    query.set("z", String(Math.round(place.view.zoom * 100) / 100));
  }
  if (place.call !== null) {
    query.set("call", place.call);
    if (place.kind !== null && place.kind !== "station") query.set("kind", place.kind);
    if (place.follow) query.set("follow", "1");
  }
  if (place.calls.length > 0) query.set("calls", place.calls.map((one) => one.replace(/[%,]/g, encodeURIComponent)).join(","));
  if (place.from !== null) query.set("from", `${place.from.lat.toFixed(5)},${place.from.lng.toFixed(5)}`);
  if (place.side !== "") query.set("panel", place.side);
  if (place.at !== null) query.set("at", `${new Date(place.at).toISOString().slice(0, 19)}Z`);
  writeFilter(filter, query);
  for (const write of writers) write(query);
  // Commas, colons and semicolons are as good as %2C, %3A and %3B in a query, and easier to read.
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";");
  return text === "" ? "/" : `/?${text}`;
}
