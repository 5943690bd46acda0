/**
 * Names beside symbols, without collisions. Which entities have one is chosen at most once a second (the selected
 * first, then moving, then those that had one: no flicker); where they stand follows their symbols each frame.
 */
import type { EntityColumns } from "../live/types";
import { visible } from "../ui/visible";
import { radiusOf } from "./clusters";
import type { Frame } from "./overlay";
import { FIELDS, type Scene } from "./scene";
import type { Theme } from "./theme";

const MOST = 300;
const HEIGHT = 16;
const FONT = "600 11.5px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** West, north, east and south, canvas pixels. */
export type Box = readonly [number, number, number, number];

/** Rectangles on a grid: whether a new one meets any of those taken. */
export class Taken {
  private readonly cells = new Map<number, Box[]>();
  private static readonly CELL = 64;

  /** Takes a rectangle if it is free. */
  take(x0: number, y0: number, x1: number, y1: number): boolean {
    if (!this.free(x0, y0, x1, y1)) return false;
    this.add(x0, y0, x1, y1);
    return true;
  }

  free(x0: number, y0: number, x1: number, y1: number): boolean {
    for (const key of keysOf(x0, y0, x1, y1)) {
      for (const [a0, b0, a1, b1] of this.cells.get(key) ?? []) {
        if (x0 < a1 && x1 > a0 && y0 < b1 && y1 > b0) return false;
      }
    }
    return true;
  }

  /** Takes a rectangle, free or not. */
  add(x0: number, y0: number, x1: number, y1: number): void {
    for (const key of keysOf(x0, y0, x1, y1)) {
      const list = this.cells.get(key);
      if (list === undefined) this.cells.set(key, [[x0, y0, x1, y1]]);
      else list.push([x0, y0, x1, y1]);
    }
  }

  static keyOf(cx: number, cy: number): number {
    return cx * 100_003 + cy;
  }

  static cellOf(at: number): number {
    return Math.floor(at / Taken.CELL);
  }
}

function keysOf(x0: number, y0: number, x1: number, y1: number): number[] {
  const keys: number[] = [];
  for (let cx = Taken.cellOf(x0); cx <= Taken.cellOf(x1); cx++) {
    for (let cy = Taken.cellOf(y0); cy <= Taken.cellOf(y1); cy++) keys.push(Taken.keyOf(cx, cy));
  }
  return keys;
}

/** Where a name stands: its left edge and its middle, from the middle of its symbol, in pixels. */
type Spot = readonly [dx: number, dy: number];

/** Rows above and below that the names of marked ones may stand in. */
const ROWS = 4;

/** Where the name of a marked one may stand, the best first: on the right, left, above, below, then farther up and down. */
export function spots(width: number, size: number): Spot[] {
  const [right, left, row] = [size / 2 + 2, -size / 2 - 2 - width, HEIGHT + 2];
  const found: Spot[] = [[right, 0], [left, 0], [-width / 2, -size / 2 - 2 - HEIGHT / 2], [-width / 2, size / 2 + 2 + HEIGHT / 2]];
  for (let n = 1; n <= ROWS; n++) found.push([right, -n * row], [right, n * row], [left, -n * row], [left, n * row]);
  return found;
}

export class Labels {
  private chosen = new Map<number, Spot>();
  private chosenAt = -Infinity;
  private readonly widths = new Map<string, number>();

  /** Makes the next drawing choose anew. */
  restless(): void {
    this.chosenAt = -Infinity;
  }

  /** Whether the next drawing chooses anew. */
  due(nowMs: number): boolean {
    return nowMs - this.chosenAt >= 1000;
  }

  /** `places`: where names of places stand. */
  draw(context: CanvasRenderingContext2D, scene: Scene, entities: EntityColumns, frame: Frame, theme: Theme, size: number, selected: number, nowMs: number, places: readonly Box[]): void {
    context.font = FONT;
    if (this.due(nowMs)) {
      this.chosenAt = nowMs;
      this.choose(context, scene, entities, frame, size, selected, places);
    }
    context.textBaseline = "middle";
    context.lineWidth = 1;
    for (let i = 0; i < scene.count; i++) {
      const slot = scene.slots[i] as number;
      const spot = this.chosen.get(slot);
      if (spot === undefined) continue;
      const name = visible(entities.name(slot));
      const wide = this.width(context, name) + 8;
      const x = Math.round((scene.data[i * FIELDS] as number) + spot[0]);
      const y = Math.round((scene.data[i * FIELDS + 1] as number) + spot[1]);
      context.globalAlpha = Math.max(0.75, scene.data[i * FIELDS + 5] as number);
      context.fillStyle = theme.labelGround;
      context.strokeStyle = theme.labelEdge;
      context.beginPath();
      context.roundRect(x, y - HEIGHT / 2, wide, HEIGHT, 4);
      context.fill();
      context.stroke();
      context.fillStyle = theme.label;
      context.fillText(name, x + 4, y + 0.5);
    }
    context.globalAlpha = 1;
  }

  private width(context: CanvasRenderingContext2D, text: string): number {
    let width = this.widths.get(text);
    if (width === undefined) {
      if (this.widths.size > 5000) this.widths.clear();
      width = context.measureText(text).width;
      this.widths.set(text, width);
    }
    return width;
  }

  private choose(context: CanvasRenderingContext2D, scene: Scene, entities: EntityColumns, frame: Frame, size: number, selected: number, places: readonly Box[]): void {
    const before = this.chosen;
    this.chosen = new Map();
    if (frame.zoom < 7 && selected < 0 && scene.marked.size === 0) return;
    const order: [number, number][] = [];
    for (let i = 0; i < scene.count; i++) {
      const slot = scene.slots[i] as number;
      if (slot === selected || scene.marked.has(slot) || scene.fan?.has(slot)) order.push([slot === selected ? -2e12 : -1e12, i]);
      else if (frame.zoom >= 7) {
        const moving = (entities.speedKmh[slot] as number) > 0 ? 1e6 : 0;
        order.push([-(moving + (before.has(slot) ? 5e5 : 0)) + (slot % 1000) / 1000, i]);
      }
    }
    order.sort((a, b) => a[0] - b[0]);
    const taken = new Taken();
    /** The names that stand in any case. */
    const firm = new Taken();
    for (const box of places) taken.add(...box);
    // Symbols keep their room, in dense views only those of the labelled.
    if (scene.count <= 1500) for (let i = 0; i < scene.count; i++) {
      const x = scene.data[i * FIELDS] as number;
      const y = scene.data[i * FIELDS + 1] as number;
      taken.take(x - size / 3, y - size / 3, x + size / 3, y + size / 3);
    }
    for (const { x, y, count } of scene.clusters.list) taken.take(x - radiusOf(count), y - radiusOf(count), x + radiusOf(count), y + radiusOf(count));
    for (const [, i] of order) {
      if (this.chosen.size >= MOST) break;
      const slot = scene.slots[i] as number;
      const x = scene.data[i * FIELDS] as number;
      const y = scene.data[i * FIELDS + 1] as number;
      if (x < 0 || x > frame.width || y < 0 || y > frame.height) continue;
      const width = this.width(context, visible(entities.name(slot))) + 8;
      const boxAt = ([dx, dy]: Spot): Box => [x + dx, y + dy - HEIGHT / 2, x + dx + width, y + dy + HEIGHT / 2];
      const right: Spot = [size / 2 + 2, 0];
      const aside = scene.fan?.get(slot);
      if (aside !== undefined) {
        // In a fan, names stand on the outer side.
        const outer: Spot = aside[0] < 0 ? [-size / 2 - 2 - width, 0] : right;
        firm.add(...boxAt(outer));
        taken.add(...boxAt(outer));
        this.chosen.set(slot, outer);
      } else if (slot === selected || scene.marked.has(slot)) {
        const kept = before.get(slot);
        // The best place first, then the one that it has: no leaping between the others.
        const candidates = [right, ...(kept === undefined ? [] : [kept]), ...spots(width, size)];
        const found = candidates.find((spot) => taken.free(...boxAt(spot))) ?? candidates.find((spot) => firm.free(...boxAt(spot)));
        // Where even they would print over each other, the ring alone stays.
        const spot = found ?? (slot === selected ? right : null);
        if (spot === null) continue;
        firm.add(...boxAt(spot));
        taken.add(...boxAt(spot));
        this.chosen.set(slot, spot);
      } else if (taken.take(...boxAt(right))) {
        this.chosen.set(slot, right);
      }
    }
  }
}
