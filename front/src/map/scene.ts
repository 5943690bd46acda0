/**
 * What is to be seen in a frame: the entities in view with their places in canvas pixels. Made once a frame for symbols,
 * labels and picking alike. Owner: the map; typed arrays that grow, no objects.
 */
import { GLIDE_MS, glide, glideRate } from "../live/motion";
import type { EntityColumns } from "../live/types";
import { NO_CELL, cellOf, overlayOf, rotates } from "./atlas";
import { Clusters } from "./clusters";
import { visibility } from "./fade";
import { copies } from "./mercator";
import type { Frame } from "./overlay";

/** Numbers for each drawn entity: x, y, cell, turn (radians), overlay (-1: none), alpha. */
export const FIELDS = 6;

/** Whether an entity is shown at a time (seconds since 1970). */
export type Passes = (entities: EntityColumns, slot: number, nowS: number) => boolean;

export class Scene {
  data = new Float32Array(FIELDS * 1024);
  slots = new Uint32Array(1024);
  count = 0;
  /** When the last glide in view ends (performance.now()); 0 when nothing moves. */
  movingUntil = 0;
  /** How fast the fastest glide in view goes, pixels a millisecond. */
  pace = 0;
  /** Crowds at low zoom; their members are not in `data`. */
  readonly clusters = new Clusters();
  /** By how many pixels an entity stands beside its place: those that overlap, fanned out. */
  fan: ReadonlyMap<number, readonly [number, number]> | null = null;
  /** Entities that are ringed and named, and shown whatever the filter says and however crowded it is. */
  marked: ReadonlySet<number> = new Set();

  build(entities: EntityColumns, frame: Frame, nowMs: number, still: boolean, selected: number, passes: Passes | null = null): void {
    const { scale, left, top, width, height } = frame;
    const nowS = Date.now() / 1000;
    const margin = 24;
    const shown = copies(left / scale, (left + width) / scale);
    this.count = 0;
    this.movingUntil = 0;
    this.pace = 0;
    let last = -1;
    const inView = (wx: number, wy: number) => {
      const y = wy * scale - top;
      return y >= -margin && y <= height + margin && shown.some((copy) => (wx + copy) * scale - left >= -margin && (wx + copy) * scale - left <= width + margin);
    };
    for (let slot = 0; slot < entities.length; slot++) {
      if (entities.present[slot] === 0) continue;
      // The selected and the marked are shown whatever the filter says.
      if (passes !== null && slot !== selected && !this.marked.has(slot) && !passes(entities, slot, nowS)) continue;
      let wx = entities.x[slot] as number;
      let wy = entities.y[slot] as number;
      const moved = entities.movedAtMs[slot] as number;
      if (!still && nowMs - moved < GLIDE_MS && nowMs >= moved) {
        const part = glide(moved, nowMs);
        const fx = entities.fromX[slot] as number;
        const fy = entities.fromY[slot] as number;
        if (fx !== wx || fy !== wy) {
          const [toX, toY] = [wx, wy];
          wx = fx + (toX - fx) * part;
          wy = fy + (toY - fy) * part;
          if (inView(wx, wy) || inView(toX, toY)) {
            this.movingUntil = Math.max(this.movingUntil, moved + GLIDE_MS);
            this.pace = Math.max(this.pace, Math.hypot(toX - fx, toY - fy) * scale * glideRate(moved, nowMs));
          }
        }
      }
      const y = wy * scale - top;
      if (y < -margin || y > height + margin) continue;
      for (const copy of shown) {
        const x = (wx + copy) * scale - left;
        if (x < -margin || x > width + margin) continue;
        const aside = this.fan?.get(slot);
        if (aside === undefined) this.put(entities, slot, x, y, nowS);
        else this.put(entities, slot, x + aside[0], y + aside[1], nowS);
      }
    }
    this.count = this.clusters.fold(this.data, FIELDS, this.count, frame, (i) => this.slots[i] === selected || this.marked.has(this.slots[i] as number), (from, to) => this.move(from, to));
    if (selected >= 0) for (let i = 0; i < this.count; i++) if (this.slots[i] === selected) last = i;
    // The selected one lies on top.
    if (last >= 0 && last !== this.count - 1) this.swap(last, this.count - 1);
  }

  private put(entities: EntityColumns, slot: number, x: number, y: number, nowS: number): void {
    if (this.count === this.slots.length) {
      const data = new Float32Array(this.data.length * 2);
      data.set(this.data);
      this.data = data;
      const slots = new Uint32Array(this.slots.length * 2);
      slots.set(this.slots);
      this.slots = slots;
    }
    const table = entities.symbolTable[slot] as number;
    const cell = cellOf(table, entities.symbolCode[slot] as number);
    const course = entities.courseDeg[slot] as number;
    const age = nowS - (entities.heardS[slot] as number);
    const at = this.count * FIELDS;
    this.data[at] = x;
    this.data[at + 1] = y;
    this.data[at + 2] = cell;
    this.data[at + 3] = cell !== NO_CELL && course !== 0xffff && rotates(cell) ? (course * Math.PI) / 180 : 0;
    this.data[at + 4] = overlayOf(table);
    this.data[at + 5] = visibility((entities.flags[slot] as number) & 3, (entities.speedKmh[slot] as number) > 0, entities.intervalS[slot] as number, age);
    this.slots[this.count++] = slot;
  }

  private move(from: number, to: number): void {
    this.data.copyWithin(to * FIELDS, from * FIELDS, (from + 1) * FIELDS);
    this.slots[to] = this.slots[from] as number;
  }

  private swap(a: number, b: number): void {
    const first = this.data.slice(a * FIELDS, (a + 1) * FIELDS);
    this.data.copyWithin(a * FIELDS, b * FIELDS, (b + 1) * FIELDS);
    this.data.set(first, b * FIELDS);
    const slot = this.slots[a] as number;
    this.slots[a] = this.slots[b] as number;
    this.slots[b] = slot;
  }

  /** Where an entity is drawn, or null when it is not in the frame (or within a crowd). */
  placeOf(slot: number): { x: number; y: number } | null {
    for (let i = this.count - 1; i >= 0; i--) {
      if (this.slots[i] === slot) return { x: this.data[i * FIELDS] as number, y: this.data[i * FIELDS + 1] as number };
    }
    return null;
  }

  /** The entities whose symbols are under a point, nearest first; at most 40. */
  pick(x: number, y: number, radius: number): number[] {
    const found: [number, number][] = [];
    for (let i = 0; i < this.count; i++) {
      const dx = (this.data[i * FIELDS] as number) - x;
      const dy = (this.data[i * FIELDS + 1] as number) - y;
      const distance = dx * dx + dy * dy;
      if (distance <= radius * radius) found.push([distance, this.slots[i] as number]);
    }
    found.sort((a, b) => a[0] - b[0]);
    return [...new Set(found.map(([, slot]) => slot))].slice(0, 40);
  }
}
