/** The list of what is in view: gathered from the world, and put in an order. */
import type { Filter } from "../../live/filter";
import type { EntityColumns, MapView } from "../../live/types";
import { type Way, way } from "../geo";
import { eachInView } from "../inview";
import { KINDS, fromMercator } from "../page";
import type { EntityKind, LatLng } from "../url";

export const ORDERS = ["name", "age", "distance"] as const;
export type Order = (typeof ORDERS)[number];

export interface Line {
  slot: number;
  name: string;
  kind: EntityKind;
  heardS: number;
  at: LatLng;
  way: Way;
}

const byName = (a: Line, b: Line) => a.name.localeCompare(b.name, "en", { numeric: true });
const COMPARE: Readonly<Record<Order, (a: Line, b: Line) => number>> = {
  name: byName,
  age: (a, b) => b.heardS - a.heardS || byName(a, b),
  distance: (a, b) => a.way.km - b.way.km || byName(a, b),
};

/** The shown entities in view, in order; ways are measured from `from`. */
export function gather(entities: EntityColumns, view: MapView, filter: Filter, from: LatLng, order: Order): Line[] {
  const lines: Line[] = [];
  eachInView(entities, view, filter, (slot, shown) => {
    if (!shown) return;
    const at = fromMercator(entities.x[slot] as number, entities.y[slot] as number);
    lines.push({
      slot,
      name: entities.name(slot),
      kind: KINDS[(entities.flags[slot] as number) & 3] ?? "station",
      heardS: entities.heardS[slot] as number,
      at,
      way: way(from, at),
    });
  });
  return lines.sort(COMPARE[order]);
}

/**
 * The same lines in the order they stood in before: those that are still there keep their place and get their news, the
 * others go, new ones wait for the next time. For while somebody reads or walks through the list.
 */
export function keepOrder(before: readonly Line[], now: readonly Line[]): { lines: Line[]; waiting: number } {
  const key = (line: Line) => `${line.kind} ${line.name}`;
  const fresh = new Map(now.map((line) => [key(line), line]));
  const lines: Line[] = [];
  for (const line of before) {
    const found = fresh.get(key(line));
    if (found === undefined) continue;
    lines.push(found);
    fresh.delete(key(line));
  }
  return { lines, waiting: fresh.size };
}

/** The rows to be drawn of a list scrolled to `top`: one screen more on each side, so that scrolling shows no gaps. */
export function windowOf(count: number, rowPx: number, top: number, heightPx: number): { first: number; last: number } {
  const rows = Math.ceil(heightPx / rowPx) + 1;
  const first = Math.max(0, Math.min(count - rows, Math.floor(top / rowPx)) - rows);
  return { first, last: Math.min(count, Math.floor(top / rowPx) + 2 * rows) };
}
