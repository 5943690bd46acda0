/**
 * Calm at low zoom: where thousands of symbols are in view, those that share a cell of the screen become one disc with
 * their true number. Cells are fixed to the ground, so that a pan changes nothing. Singles stay singles.
 */
import type { Frame } from "./overlay";
import type { Theme } from "./theme";

/** Pixels of a cell. */
const CELL = 72;
/** Clusters from this zoom on outwards. */
const LAST_ZOOM = 8;
/** They begin at so many in the frame and end below the other: no flicker between. */
const BEGIN = 1000;
const END = 700;
/** This many in one cell may still stand apart. */
const APART = 3;

export interface Cluster {
  /** Mean place of its members, canvas pixels. */
  x: number;
  y: number;
  count: number;
  /** Where its members lie, canvas pixels. */
  box: [west: number, north: number, east: number, south: number];
}

/** Takes the entities of crowded cells out of a scene; what it answers are their numbers. */
export class Clusters {
  list: Cluster[] = [];
  private on = false;
  private counts = new Uint32Array(0);

  /**
   * `data` holds `count` records of `fields` numbers, x and y first. `keep(i)` may hold one out (the selected). Answers
   * how many are left, moved to the front in their order by `move(from, to)`.
   */
  fold(data: Float32Array, fields: number, count: number, frame: Frame, keep: (i: number) => boolean, move: (from: number, to: number) => void): number {
    this.list = [];
    this.on = frame.zoom < LAST_ZOOM + 0.5 && count > (this.on ? END : BEGIN);
    if (!this.on) return count;
    const firstX = Math.floor(frame.left / CELL) - 1;
    const firstY = Math.floor(frame.top / CELL) - 1;
    const columns = Math.ceil(frame.width / CELL) + 4;
    const rows = Math.ceil(frame.height / CELL) + 4;
    if (this.counts.length < columns * rows) this.counts = new Uint32Array(columns * rows);
    this.counts.fill(0);
    const cellOf = (i: number) => {
      const x = Math.floor(((data[i * fields] as number) + frame.left) / CELL) - firstX;
      const y = Math.floor(((data[i * fields + 1] as number) + frame.top) / CELL) - firstY;
      return Math.max(0, Math.min(rows - 1, y)) * columns + Math.max(0, Math.min(columns - 1, x));
    };
    for (let i = 0; i < count; i++) if (!keep(i)) (this.counts[cellOf(i)] as number)++;
    for (let cell = 0; cell < columns * rows; cell++) if ((this.counts[cell] as number) <= APART) this.counts[cell] = 0;
    const made = new Map<number, Cluster>();
    let left = 0;
    for (let i = 0; i < count; i++) {
      const cell = cellOf(i);
      if (this.counts[cell] === 0 || keep(i)) {
        if (left !== i) move(i, left);
        left++;
      } else {
        gather(made, cell, data[i * fields] as number, data[i * fields + 1] as number);
      }
    }
    this.list = [...made.values()];
    for (const one of this.list) {
      one.x /= one.count;
      one.y /= one.count;
    }
    return left;
  }

  /** The cluster under a point. */
  at(x: number, y: number): Cluster | undefined {
    return this.list.find((one) => Math.hypot(one.x - x, one.y - y) <= radiusOf(one.count) + 4);
  }
}

function gather(made: Map<number, Cluster>, cell: number, x: number, y: number): void {
  const one = made.get(cell);
  if (one === undefined) {
    made.set(cell, { x, y, count: 1, box: [x, y, x, y] });
    return;
  }
  one.x += x;
  one.y += y;
  one.count++;
  const { box } = one;
  if (x < box[0]) box[0] = x;
  if (y < box[1]) box[1] = y;
  if (x > box[2]) box[2] = x;
  if (y > box[3]) box[3] = y;
}

export function radiusOf(count: number): number {
  return Math.min(CELL / 2 - 4, 9 + Math.log2(count) * 2.2);
}

/** "87", "1.2k", "34k". */
export function short(count: number): string {
  return count < 1000 ? String(count) : `${(count / 1000).toFixed(count < 9950 ? 1 : 0)}k`;
}

export function drawClusters(context: CanvasRenderingContext2D, list: readonly Cluster[], theme: Theme): void {
  const [red, green, blue] = theme.density;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { x, y, count } of list) {
    const radius = radiusOf(count);
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fillStyle = `rgba(${red},${green},${blue},${Math.min(0.92, 0.6 + Math.log10(count) * 0.12)})`;
    context.fill();
    context.lineWidth = 3;
    context.strokeStyle = `rgba(${red},${green},${blue},0.25)`;
    context.stroke();
    context.fillStyle = theme.densityText;
    context.font = `650 ${count < 1000 ? 12 : 11}px system-ui, sans-serif`;
    context.fillText(short(count), x, y + 0.5);
  }
  context.textAlign = "start";
}
