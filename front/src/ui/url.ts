/** The address of the page keeps the view and the open card: `/?lat=..&lng=..&z=..&call=NAME`, or `/NAME`. */

import { EVERYTHING, type Filter, writeFilter } from "../live/filter";

export type EntityKind = "station" | "object" | "item";

export interface View {
  lat: number;
  lng: number;
  zoom: number;
}

export interface Place {
  /** Null when the address has no whole and sensible view. */
  view: View | null;
  /** Name and kind of the open card. */
  call: string | null;
  kind: EntityKind;
}

const MAX_ZOOM = 20;
const MAX_NAME_BYTES = 64;

function decimal(text: string | null, limit: number): number | null {
  if (text === null || !/^-?\d{1,3}(\.\d{1,20})?$/.test(text)) return null;
  const value = Number(text);
  return Math.abs(value) <= limit ? value : null;
}

function name(text: string | null): string | null {
  if (text === null) return null;
  const trimmed = text.trim();
  return trimmed === "" || new TextEncoder().encode(trimmed).length > MAX_NAME_BYTES ? null : trimmed;
}

function fromPath(pathname: string): string | null {
  const segment = /^\/([^/]+)\/?$/.exec(pathname)?.[1];
  if (segment === undefined || segment === "index.html") return null;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/** Reads an address; what does not make sense is as if it were not there. */
export function parsePlace(pathname: string, search: string): Place {
  const query = new URLSearchParams(search);
  const lat = decimal(query.get("lat"), 90);
  const lng = decimal(query.get("lng"), 180);
  const zoom = decimal(query.get("z"), MAX_ZOOM);
  const kind = query.get("kind");
  return {
    view: lat === null || lng === null ? null : { lat, lng, zoom: zoom === null || zoom < 1 ? 10 : zoom },
    call: name(query.get("call")) ?? name(fromPath(pathname)),
    kind: kind === "object" || kind === "item" ? kind : "station",
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
    if (place.kind !== "station") query.set("kind", place.kind);
  }
  writeFilter(filter, query);
  for (const write of writers) write(query);
  const text = query.toString();
  return text === "" ? "/" : `/?${text}`;
}
