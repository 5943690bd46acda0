/**
 * What of the map's extras is shown: kept in the address (`trail=` hours, `layers=`, `ruler=` points), so that a link shows
 * the same, and layers in this browser too.
 */
import { signal } from "@preact/signals";
import { type LatLng, parsePoint, writers } from "../ui/url";

/** Hours that the choice offers; an address may name any whole number up to the last. */
export const TRAIL_HOURS = [1, 3, 6, 12, 24, 48, 168] as const;
const FIRST_HOURS = 1;
const MOST_HOURS = 168;

export const LAYERS = ["vectors", "ranges", "reckoning", "grid", "night"] as const;
export type LayerId = (typeof LAYERS)[number];
const FIRST_LAYERS = "vectors";
const KEY = "godwit.layers";

/** Reads `trail`; what does not make sense is the first length. */
export function parseTrail(search: string): number {
  const hours = Number(/^\d{1,3}$/.exec(new URLSearchParams(search).get("trail") ?? "")?.[0] ?? FIRST_HOURS);
  return hours >= 1 && hours <= MOST_HOURS ? hours : FIRST_HOURS;
}

/** Points that the ruler takes. */
export const MOST_POINTS = 20;

/** Reads `ruler`, points with semicolons between them: none where one makes no sense, or the ruler is not open. */
export function parseRuler(search: string): readonly LatLng[] {
  const query = new URLSearchParams(search);
  const text = query.get("panel") === "ruler" ? query.get("ruler") : null;
  const points = text === null ? [] : text.split(";", MOST_POINTS).map(parsePoint);
  return points.every((one) => one !== null) ? points : [];
}

/** Reads `layers`, names with commas between them; null when the address has none. */
export function parseLayers(search: string): ReadonlySet<LayerId> | null {
  const text = new URLSearchParams(search).get("layers");
  return text === null ? null : known(text);
}

function known(text: string): ReadonlySet<LayerId> {
  const names = text.split(",");
  return new Set(LAYERS.filter((one) => names.includes(one)));
}

function stored(): string {
  try {
    return localStorage.getItem(KEY) ?? FIRST_LAYERS;
  } catch {
    return FIRST_LAYERS;
  }
}

const search = typeof location === "undefined" ? "" : location.search;
export const trailHours = signal(parseTrail(search));
export const layers = signal<ReadonlySet<LayerId>>(parseLayers(search) ?? known(stored()));
export const ruler = signal(parseRuler(search));

/** Switches a layer and remembers it in this browser. */
export function switchLayer(id: LayerId, on: boolean): void {
  const next = new Set(layers.value);
  if (on) next.add(id);
  else next.delete(id);
  layers.value = next;
  try {
    localStorage.setItem(KEY, [...next].join(","));
  } catch {
    // Storage is forbidden or full: it holds until the page is left.
  }
}

writers.add((query) => {
  if (trailHours.peek() !== FIRST_HOURS) query.set("trail", String(trailHours.peek()));
  const names = [...layers.peek()].join(",");
  if (names !== FIRST_LAYERS) query.set("layers", names);
  if (ruler.peek().length > 0) query.set("ruler", ruler.peek().map((one) => `${one.lat},${one.lng}`).join(";"));
});
