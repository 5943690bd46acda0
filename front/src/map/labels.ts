/**
 * Names beside symbols, without collisions. Which entities have one is chosen at most once a second (the selected
 * first, then moving, then those that had one: no flicker); where they stand follows their symbols each frame.
 */
import type { EntityColumns } from "../live/types";
import { radiusOf } from "./clusters";
import type { Frame } from "./overlay";
import { FIELDS, type Scene } from "./scene";
import type { Theme } from "./theme";

const MOST = 300;
const HEIGHT = 16;
const FONT = "600 11.5px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** Rectangles on a grid: whether a new one meets any of those taken. */
export class Taken {
  private readonly cells = new Map<number, [number, number, number, number][]>();
  private static readonly CELL = 64;

  /** Takes a rectangle if it is free. */
  take(x0: number, y0: number, x1: number, y1: number): boolean {
    const keys: number[] = [];
    for (let cx = Math.floor(x0 / Taken.CELL); cx <= Math.floor(x1 / Taken.CELL); cx++) {
      for (let cy = Math.floor(y0 / Taken.CELL); cy <= Math.floor(y1 / Taken.CELL); cy++) keys.push(cx * 100_003 + cy);
    }
    for (const key of keys) {
      for (const [a0, b0, a1, b1] of this.cells.get(key) ?? []) {
        if (x0 < a1 && x1 > a0 && y0 < b1 && y1 > b0) return false;
      }
    }
    for (const key of keys) {
      const list = this.cells.get(key);
      if (list === undefined) this.cells.set(key, [[x0, y0, x1, y1]]);
      else list.push([x0, y0, x1, y1]);
    }
    return true;
  }
}

export class Labels {
  private chosen = new Set<number>();
  private chosenAt = -Infinity;
  private readonly widths = new Map<string, number>();

  /** Makes the next drawing choose anew. */
  restless(): void {
    this.chosenAt = -Infinity;
  }

  draw(context: CanvasRenderingContext2D, scene: Scene, entities: EntityColumns, frame: Frame, theme: Theme, size: number, selected: number, nowMs: number): void {
    context.font = FONT;
    if (nowMs - this.chosenAt >= 1000) {
      this.chosenAt = nowMs;
      this.choose(context, scene, entities, frame, size, selected);
    }
    context.textBaseline = "middle";
    context.lineWidth = 1;
    for (let i = 0; i < scene.count; i++) {
      const slot = scene.slots[i] as number;
      if (!this.chosen.has(slot)) continue;
      const name = entities.name(slot);
      const x = Math.round((scene.data[i * FIELDS] as number) + size / 2 + 2);
      const y = Math.round(scene.data[i * FIELDS + 1] as number);
      context.globalAlpha = Math.max(0.75, scene.data[i * FIELDS + 5] as number);
      context.fillStyle = theme.labelGround;
      context.strokeStyle = theme.labelEdge;
      context.beginPath();
      context.roundRect(x, y - HEIGHT / 2, this.width(context, name) + 8, HEIGHT, 4);
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

  private choose(context: CanvasRenderingContext2D, scene: Scene, entities: EntityColumns, frame: Frame, size: number, selected: number): void {
    const before = this.chosen;
    this.chosen = new Set();
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
      const x = (scene.data[i * FIELDS] as number) + size / 2 + 2;
      const y = scene.data[i * FIELDS + 1] as number;
      if (x < 0 || x > frame.width || y < 0 || y > frame.height) continue;
      const width = this.width(context, entities.name(slot)) + 8;
      const always = slot === selected || scene.marked.has(slot) || scene.fan?.has(slot);
      if (taken.take(x, y - HEIGHT / 2, x + width, y + HEIGHT / 2) || always) this.chosen.add(slot);
    }
  }
}
