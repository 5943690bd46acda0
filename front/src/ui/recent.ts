/** What was searched for lately, kept in this browser only and forgotten on request. */
import type { SymbolId } from "./api";
import { kept } from "./settings";
import type { EntityKind, LatLng } from "./url";

/** What a search leads to: an entity's card, or a place of the map. */
export type Target =
  | { is: "entity"; name: string; kind: EntityKind; symbol?: SymbolId | undefined; at?: LatLng | undefined; heardMs?: number | undefined }
  | { is: "place"; name: string; more: string; at: LatLng; zoom: number };

const MOST = 6;
const MOST_TEXT = 80;

const isText = (one: unknown): one is string => typeof one === "string" && one !== "" && one.length <= MOST_TEXT;

function isTarget(one: unknown): one is Target {
  const it = one as Partial<Target & { kind: string; at: Partial<LatLng>; zoom: number; more: string }> | null;
  if (typeof it !== "object" || it === null || !isText(it.name)) return false;
  if (it.is === "entity") return ["station", "object", "item"].includes(it.kind ?? "");
  return it.is === "place" && typeof it.more === "string" && [it.at?.lat, it.at?.lng, it.zoom].every(Number.isFinite);
}

/** Only what this page would have written: storage may hold anything. */
export function readRecent(stored: string | null): Target[] {
  try {
    const found: unknown = JSON.parse(stored ?? "[]");
    return Array.isArray(found) ? found.filter(isTarget).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export const recent = kept<readonly Target[]>("godwit.recent", readRecent, JSON.stringify);

export function remember(target: Target): void {
  const same = (one: Target) => one.is === target.is && one.name === target.name;
  // Where it was and when it was heard is old news by then.
  const bare: Target = target.is === "place" ? target
    : { is: "entity", name: target.name, kind: target.kind, ...(target.symbol === undefined ? {} : { symbol: target.symbol }) };
  recent.value = [bare, ...recent.peek().filter((one) => !same(one))].slice(0, MOST);
}
