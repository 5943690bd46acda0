/** The REST answers that the page uses. Shapes are those of docs of `/api/v1`; a field that is absent is unknown. */
import { t, worded } from "./i18n";
import type { EntityKind, LatLng } from "./url";

export interface SymbolId {
  table: string;
  code: string;
}

/** An entity as lists give it. */
export interface Summary {
  name: string;
  kind: EntityKind;
  latitude?: number;
  longitude?: number;
  symbol?: SymbolId;
  last_heard: string;
}

export interface NamedPlace {
  name: string;
  country?: string;
  latitude: number;
  longitude: number;
  zoom: number;
}

export interface PlaceByText {
  kind: "locator" | "coordinates";
  text: string;
  latitude: number;
  longitude: number;
  zoom: number;
}

export interface SearchAnswer {
  results: Summary[];
  /** How many entities fit, those beyond the limit among them. */
  total: number;
  places: NamedPlace[];
  locations: PlaceByText[];
}

export interface Near extends Summary {
  distance_km: number;
  bearing_deg: number;
}

export interface Hop {
  callsign: string;
  used: boolean;
}

export interface StationDetail {
  name: string;
  kind: EntityKind;
  owner?: string;
  latitude?: number;
  longitude?: number;
  ambiguity?: number;
  symbol: SymbolId;
  last_heard: string;
  first_heard?: string;
  comment?: string;
  speed_kmh?: number;
  course_deg?: number;
  altitude_m?: number;
  status?: string;
  path: Hop[];
  q_construct?: string;
  igate?: string;
  heard: "direct" | "digipeated" | "internet" | "unknown";
  device?: { vendor?: string; model?: string; class?: string };
  weather?: Record<string, unknown>;
  phg?: { power_w: number; height_m: number; gain_db: number; directivity_deg: number | null };
  range_km?: number;
  mic_e_message?: string;
  telemetry?: { sequence?: number | string; values?: (number | null)[]; bits?: string };
  raw: string;
  received_at: string;
}

export interface Basemap {
  id: string;
  name: string;
  kind: "raster" | "vector";
  url: string;
  attribution: string;
  max_zoom: number;
}

export interface PageSettings {
  version: string;
  view: { latitude: number; longitude: number; zoom: number };
  demo: boolean;
  feed: string;
  basemaps: Basemap[];
}

/** Shown when the server does not say where to begin: Europe. */
export const DEFAULT_SETTINGS: PageSettings = {
  version: "",
  view: { latitude: 48.5, longitude: 9.5, zoom: 5 },
  demo: false,
  feed: "",
  basemaps: [],
};

/** An answer that is no success, with what the server said. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A JSON answer; an ApiError when the server refuses. `seen` is shown the response first. */
export async function get(url: string, signal: AbortSignal, seen?: (response: Response) => void): Promise<unknown> {
  const response = await fetch(url, { signal, headers: { accept: "application/json" } }).catch((error: unknown) => {
    // What the browser says of a network that is not there is in its own language and for programmers.
    throw error instanceof TypeError ? new Error(t("error.network")) : error;
  });
  seen?.(response);
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body;
  const said = (body as { error?: { code?: unknown; message?: unknown } } | null)?.error;
  // It becomes part of a sentence, which has its own full stop.
  const message = typeof said?.message === "string" ? said.message.replace(/\.$/, "") : `HTTP ${response.status}`;
  throw new ApiError(response.status, worded("error", String(said?.code), message));
}

/** The list of an answer's field, without what has no place or name: a server of another version may send anything. */
function list<T>(body: unknown, field: string, usable: (one: T) => boolean): T[] {
  const found = (body as Record<string, unknown> | null)?.[field];
  return Array.isArray(found) ? (found as T[]).filter((one) => typeof one === "object" && one !== null && usable(one)) : [];
}

const named = (one: { name: string }) => typeof one.name === "string";
const placed = (one: { latitude: number; longitude: number; zoom: number }) =>
  [one.latitude, one.longitude, one.zoom].every(Number.isFinite);

export async function search(text: string, limit: number, signal: AbortSignal): Promise<SearchAnswer> {
  const body = await get(`/api/v1/search?q=${encodeURIComponent(text)}&limit=${limit}`, signal);
  const results = list<Summary>(body, "results", named);
  const total = Number((body as { total?: unknown } | null)?.total);
  return {
    results,
    total: Number.isFinite(total) ? Math.max(total, results.length) : results.length,
    places: list<NamedPlace>(body, "places", (one) => named(one) && placed(one)),
    locations: list<PlaceByText>(body, "locations", (one) => typeof one.text === "string" && placed(one)),
  };
}

export async function near(from: LatLng, limit: number, signal: AbortSignal): Promise<Near[]> {
  const query = `latitude=${from.lat.toFixed(5)}&longitude=${from.lng.toFixed(5)}&limit=${limit}`;
  const body = await get(`/api/v1/stations/near?${query}`, signal);
  return list<Near>(body, "stations", (one) => named(one) && Number.isFinite(one.distance_km) && Number.isFinite(one.bearing_deg));
}

/** What a station, object or item said last; with `atMs` (ms since 1970) what it had said by then. */
export async function station(name: string, kind: EntityKind | "any", signal: AbortSignal, atMs: number | null = null): Promise<StationDetail> {
  const query = new URLSearchParams({ ...(kind !== "any" && { kind }), ...(atMs !== null && { at: new Date(atMs).toISOString() }) }).toString();
  const body = await get(`/api/v1/stations/${encodeURIComponent(name)}${query === "" ? "" : `?${query}`}`, signal);
  if (typeof (body as StationDetail | null)?.name !== "string") throw new ApiError(200, t("error.answer"));
  return body as StationDetail;
}

/** Whether a station sent telemetry or weather in packets of their own in the last day: its latest position does not tell. */
export async function sendsSeries(name: string, signal: AbortSignal): Promise<boolean> {
  const since = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 86_400_000).toISOString();
  for (const kind of ["telemetry", "weather"]) {
    const body = await get(`/api/v1/packets?name=${encodeURIComponent(name)}&kind=${kind}&since=${since}&limit=1`, signal);
    if (list<{ id: string }>(body, "packets", (one) => typeof one.id === "string").length > 0) return true;
  }
  return false;
}

/** What the server says about the page; the defaults when it says nothing usable within two seconds. */
export async function pageSettings(): Promise<PageSettings> {
  try {
    const body = (await get("/live/v1/page.json", AbortSignal.timeout(2000))) as Partial<PageSettings> | null;
    const view = body?.view;
    const usable = view !== undefined && [view.latitude, view.longitude, view.zoom].every(Number.isFinite);
    return {
      ...DEFAULT_SETTINGS,
      ...body,
      view: usable ? view : DEFAULT_SETTINGS.view,
      basemaps: Array.isArray(body?.basemaps) ? body.basemaps : [],
    };
  } catch (error) {
    console.warn(`page settings: ${String(error)}; using the defaults`);
    return DEFAULT_SETTINGS;
  }
}
