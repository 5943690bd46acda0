/** The REST answers that the page uses. Shapes are those of docs of `/api/v1`; a field that is absent is unknown. */
import { t } from "./i18n";
import type { EntityKind } from "./url";

export interface SymbolId {
  table: string;
  code: string;
}

export interface SearchResult {
  name: string;
  kind: EntityKind;
  latitude: number;
  longitude: number;
  symbol: SymbolId;
  last_heard: string;
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
  symbol_name: string;
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
  weather?: Record<string, number>;
  phg?: { power_w: number; height_m: number; gain_db: number; directivity_deg: number | null };
  raw: string;
  received_at: string;
}

export interface Basemap {
  id: string;
  name: string;
  kind: "raster";
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

/** A JSON answer; an ApiError when the server refuses. */
export async function get(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal, headers: { accept: "application/json" } });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body;
  const said = (body as { error?: { message?: unknown } } | null)?.error?.message;
  throw new ApiError(response.status, typeof said === "string" ? said : `HTTP ${response.status}`);
}

export async function search(text: string, signal: AbortSignal): Promise<SearchResult[]> {
  const body = await get(`/api/v1/search?q=${encodeURIComponent(text)}&limit=8`, signal);
  const results = (body as { results?: unknown } | null)?.results;
  return Array.isArray(results) ? (results as SearchResult[]) : [];
}

export async function station(name: string, kind: EntityKind, signal: AbortSignal): Promise<StationDetail> {
  const query = kind === "station" ? "" : `?kind=${kind}`;
  const body = await get(`/api/v1/stations/${encodeURIComponent(name)}${query}`, signal);
  if (typeof (body as StationDetail | null)?.name !== "string") throw new ApiError(200, t("error.answer"));
  return body as StationDetail;
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
