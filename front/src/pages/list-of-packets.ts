/** A list of packets that grows at its top while it is followed and at its end when more is wanted. */
import type { PacketAnswer } from "./explanation";

export interface Listed extends PacketAnswer {
  /** More came between this one and the next than was asked for. */
  gap?: boolean;
}

/** Kept in a list; older ones go. */
export const MOST_LISTED = 1000;

/**
 * Puts newly asked packets (newest first) on top of those that are there. `more`: the answer was not all there is, so if it
 * does not reach what is there, some are missing between.
 */
export function merge(there: readonly Listed[], asked: readonly PacketAnswer[], more: boolean): Listed[] {
  const known = new Set(there.map((one) => one.id));
  const fresh: Listed[] = asked.filter((one) => !known.has(one.id));
  if (fresh.length === 0) return [...there];
  const last = fresh.at(-1);
  if (last !== undefined && more && fresh.length === asked.length && there.length > 0) fresh[fresh.length - 1] = { ...last, gap: true };
  // A batch that was stored late is older than what is there.
  const all = [...fresh, ...there];
  return all.sort((a, b) => Number(b.id) - Number(a.id)).slice(0, MOST_LISTED);
}

export interface PacketFilter {
  kind: string;
  text: string;
}

/** Of `godwit_packet::Kind`, those that one looks for first. */
export const KINDS = [
  "position", "mic_e", "object", "item", "weather", "message", "telemetry", "telemetry_definition", "status", "bulletin", "announcement",
  "ack", "reject", "query", "capabilities", "nmea", "third_party", "user_defined", "grid", "df", "raw_weather", "test", "unknown",
] as const;

/** The question of the list. */
export function packetsUrl(of: { name: string | null; verdict?: string | undefined; filter: PacketFilter; limit: number; since?: number; cursor?: string }): string {
  const query = new URLSearchParams({ limit: String(of.limit) });
  if (of.name !== null) query.set("name", of.name);
  if (of.verdict !== undefined) query.set("verdict", of.verdict);
  if (of.filter.kind !== "") query.set("kind", of.filter.kind);
  if (of.filter.text !== "") query.set("text", of.filter.text);
  if (of.since !== undefined) query.set("since", new Date(of.since).toISOString());
  if (of.cursor !== undefined) query.set("cursor", of.cursor);
  return `/api/v1/packets?${query}`;
}
