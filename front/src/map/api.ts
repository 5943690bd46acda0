/** The answers about history that trails and radio paths are drawn from (docs/api.md). An absent field is unknown. */
import { ApiError, get } from "../ui/api";
import { t } from "../ui/i18n";
import type { EntityKind } from "../ui/url";

export interface TrackPoint {
  id: string;
  received_at: string;
  latitude: number;
  longitude: number;
  altitude_m?: number;
  speed_kmh?: number;
  course_deg?: number;
  verdict: string;
  reason?: string;
}

export interface Track {
  points: TrackPoint[];
  truncated: boolean;
}

export interface PacketHop {
  callsign: string;
  role: "source" | "digipeater" | "igate";
  used: boolean;
  latitude?: number;
  longitude?: number;
}

export interface Packet {
  id: string;
  received_at: string;
  raw: string;
  reason?: string;
  hops: PacketHop[];
}

/** Positions since a time (ms) and, unless that is null, before another, oldest first. */
export async function track(name: string, kind: EntityKind, sinceMs: number, untilMs: number | null, limit: number, signal: AbortSignal): Promise<Track> {
  const query = new URLSearchParams({ kind, since: new Date(sinceMs).toISOString(), limit: String(limit) });
  if (untilMs !== null) query.set("until", new Date(untilMs).toISOString());
  const body = await get(`/api/v1/stations/${encodeURIComponent(name)}/track?${query}`, signal);
  const { points, truncated } = (body ?? {}) as Partial<Track>;
  if (!Array.isArray(points)) throw new ApiError(200, t("error.answer"));
  return { points: points.slice(0, limit), truncated: truncated === true };
}

export async function packet(id: string, signal: AbortSignal): Promise<Packet> {
  const body = (await get(`/api/v1/packets/${encodeURIComponent(id)}`, signal)) as Packet | null;
  if (!Array.isArray(body?.hops)) throw new ApiError(200, t("error.answer"));
  return body;
}

/** The id of the newest packet of a name, received at a moment (ms since 1970) or before where one is given; null when there is none. */
export async function newestPacket(name: string, atMs: number | null, signal: AbortSignal): Promise<string | null> {
  const query = new URLSearchParams({ name, limit: "1", ...(atMs !== null && { until: new Date(atMs + 1).toISOString() }) });
  const body = (await get(`/api/v1/packets?${query}`, signal)) as { packets?: { id?: unknown }[] } | null;
  const id = body?.packets?.[0]?.id;
  return typeof id === "string" ? id : null;
}
