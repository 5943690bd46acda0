/** Which entities are in the view, and how many of them the filter shows. */
import { type Filter, test } from "../live/filter";
import type { EntityColumns, MapView } from "../live/types";

/** Calls with each entity in the view, and whether the filter shows it. */
export function eachInView(entities: EntityColumns, view: MapView, filter: Filter, call: (slot: number, shown: boolean) => void): void {
  const passes = test(filter);
  const nowS = Date.now() / 1000;
  for (let slot = 0; slot < entities.length; slot++) {
    if (entities.present[slot] === 0) continue;
    const y = entities.y[slot] as number;
    if (y < view.north || y > view.south) continue;
    // The view may lie in a copy of the world to the west or the east.
    const x = entities.x[slot] as number;
    const copy = Math.ceil(view.west - x);
    if (x + copy > view.east) continue;
    call(slot, passes === null || passes(entities, slot, nowS));
  }
}

export interface Count {
  shown: number;
  all: number;
}

export function countInView(entities: EntityColumns, view: MapView, filter: Filter): Count {
  const count = { shown: 0, all: 0 };
  eachInView(entities, view, filter, (_, shown) => {
    count.all++;
    if (shown) count.shown++;
  });
  return count;
}
