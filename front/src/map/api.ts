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

/** Positions since a time (ms), oldest first. */
export async function track(name: string, kind: EntityKind, sinceMs: number, limit: number, signal: AbortSignal): Promise<Track> {
  const since = new Date(sinceMs).toISOString();
  const body = await get(`/api/v1/stations/${encodeURIComponent(name)}/track?kind=${kind}&since=${since}&limit=${limit}`, signal);
  const { points, truncated } = (body ?? {}) as Partial<Track>;
  if (!Array.isArray(points)) throw new ApiError(200, t("error.answer"));
  return { points: points.slice(0, limit), truncated: truncated === true };
}

export async function packet(id: string, signal: AbortSignal): Promise<Packet> {
  const body = (await get(`/api/v1/packets/${encodeURIComponent(id)}`, signal)) as Packet | null;
  if (!Array.isArray(body?.hops)) throw new ApiError(200, t("error.answer"));
  return body;
}

/** The id of the newest packet of a name; null when there is none. */
export async function newestPacket(name: string, signal: AbortSignal): Promise<string | null> {
  const body = (await get(`/api/v1/packets?name=${encodeURIComponent(name)}&limit=1`, signal)) as { packets?: { id?: unknown }[] } | null;
  const id = body?.packets?.[0]?.id;
  return typeof id === "string" ? id : null;
}
