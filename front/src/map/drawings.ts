/** The viewer's own files on the map: lines, areas and points in a colour for each file, with their names where there is room. */
import { type Signal, signal } from "@preact/signals";
import type { Core, Part } from "./core";
import { copies } from "./mercator";
import type { Frame } from "./overlay";
import type { Shape } from "./read-file";

/** Colours that differ for colour-blind people, too, on light ground and on dark. */
const COLOURS = [["#0067a5", "#6cb8f0"], ["#b34700", "#f2a173"], ["#00704f", "#5fd0a8"], ["#9a3d77", "#e9a3cf"]] as const;
/** Vertices nearer than this to the one before add nothing. */
const NEAR_PX = 0.8;
const NAMES_ZOOM = 8;
const MOST_NAMES = 200;

export interface OwnFile {
  id: number;
  name: string;
  shapes: readonly Shape[];
  cut: boolean;
  shown: boolean;
  /** Its place among COLOURS. */
  colour: number;
  /** West, north, east and south in Web Mercator. */
  box: readonly [number, number, number, number];
}

export const files: Signal<readonly OwnFile[]> = signal([]);

/** The colour of a file on the map as it is. */
export function colourOf(file: OwnFile, dark: boolean): string {
  return (COLOURS[file.colour % COLOURS.length] as readonly [string, string])[dark ? 1 : 0];
}

export function boxOf(shapes: readonly Shape[]): [number, number, number, number] {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { xy } of shapes) {
    for (let i = 0; i < xy.length; i += 2) {
      box[0] = Math.min(box[0], xy[i] as number);
      box[1] = Math.min(box[1], xy[i + 1] as number);
      box[2] = Math.max(box[2], xy[i] as number);
      box[3] = Math.max(box[3], xy[i + 1] as number);
    }
  }
  return box;
}

export class Drawings implements Part {
  private readonly core: Core;
  private readonly boxes = new WeakMap<Shape, readonly [number, number, number, number]>();

  constructor(core: Core) {
    this.core = core;
    files.subscribe(() => core.redraw());
  }

  private boxOf(shape: Shape): readonly [number, number, number, number] {
    let box = this.boxes.get(shape);
    if (box === undefined) {
      box = boxOf([shape]);
      this.boxes.set(shape, box);
    }
    return box;
  }

  under(context: CanvasRenderingContext2D, frame: Frame): void {
    const { theme } = this.core;
    for (const file of files.peek()) {
      if (!file.shown) continue;
      const [lines, areas, points] = [new Path2D(), new Path2D(), new Path2D()];
      this.each(file, frame, (shape, copy) => {
        if (shape.kind === "point") {
          const x = ((shape.xy[0] as number) + copy) * frame.scale - frame.left;
          const y = (shape.xy[1] as number) * frame.scale - frame.top;
          points.moveTo(x + 5, y);
          points.arc(x, y, 5, 0, 7);
        } else {
          trace(shape.kind === "area" ? areas : lines, shape, copy, frame);
        }
      });
      const colour = colourOf(file, theme.dark);
      context.lineJoin = "round";
      context.lineCap = "round";
      context.fillStyle = colour;
      context.globalAlpha = 0.16;
      context.fill(areas, "evenodd");
      context.globalAlpha = 1;
      for (const path of [areas, lines]) {
        context.lineWidth = 5;
        context.strokeStyle = theme.halo;
        context.stroke(path);
        context.lineWidth = 2.5;
        context.strokeStyle = colour;
        context.stroke(path);
      }
      context.lineWidth = 4;
      context.strokeStyle = theme.halo;
      context.stroke(points);
      context.fill(points);
      context.lineCap = "butt";
    }
  }

  over(context: CanvasRenderingContext2D, frame: Frame): void {
    if (frame.zoom < NAMES_ZOOM) return;
    const { theme } = this.core;
    const taken: [number, number, number][] = [];
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    for (const file of files.peek()) {
      if (!file.shown) continue;
      this.each(file, frame, ({ name, xy }, copy) => {
        if (name === "" || taken.length >= MOST_NAMES) return;
        const x = ((xy[0] as number) + copy) * frame.scale - frame.left + 9;
        const y = (xy[1] as number) * frame.scale - frame.top;
        if (x < -200 || x > frame.width || y < 0 || y > frame.height) return;
        const wide = context.measureText(name).width;
        if (taken.some(([left, top, right]) => Math.abs(top - y) < 15 && x < right && x + wide > left)) return;
        taken.push([x, y, x + wide + 6]);
        context.lineWidth = 4;
        context.strokeStyle = theme.halo;
        context.strokeText(name, x, y);
        context.fillStyle = colourOf(file, theme.dark);
        context.fillText(name, x, y);
      });
    }
  }

  /** Every shape of a file that the frame shows, by copies of the world. */
  private each(file: OwnFile, frame: Frame, run: (shape: Shape, copy: number) => void): void {
    const [west, east] = [frame.left / frame.scale, (frame.left + frame.width) / frame.scale];
    const [north, south] = [frame.top / frame.scale, (frame.top + frame.height) / frame.scale];
    const shownIn = ([left, top, right, bottom]: readonly [number, number, number, number], copy: number) =>
      left + copy <= east && right + copy >= west && top <= south && bottom >= north;
    // One more on each side: a line may go on beyond the date line.
    for (const copy of copies(west - 1, east + 1)) {
      if (!shownIn(file.box, copy)) continue;
      for (const shape of file.shapes) if (shownIn(this.boxOf(shape), copy)) run(shape, copy);
    }
  }
}

function trace(path: Path2D, { xy, kind }: Shape, copy: number, frame: Frame): void {
  let [lastX, lastY] = [Number.NaN, Number.NaN];
  for (let i = 0; i < xy.length; i += 2) {
    const x = ((xy[i] as number) + copy) * frame.scale - frame.left;
    const y = (xy[i + 1] as number) * frame.scale - frame.top;
    if (i === 0) path.moveTo(x, y);
    else if (i + 2 < xy.length && Math.abs(x - lastX) < NEAR_PX && Math.abs(y - lastY) < NEAR_PX) continue;
    else path.lineTo(x, y);
    [lastX, lastY] = [x, y];
  }
  if (kind === "area") path.closePath();
}
