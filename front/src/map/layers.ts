/** Layers over the ground that are loaded when they are wanted: the Maidenhead grid, and where it is night. */
import { effect } from "@preact/signals";
import { serverNowMs } from "../ui/clock";
import { CELL_DEG, locator } from "../ui/format";
import { type Page, fromMercator } from "../ui/page";
import type { Core, Part } from "./core";
import { toX, toY } from "./mercator";
import { subsolar, terminator } from "./night";
import type { Frame } from "./overlay";
import { layers } from "./shown";

/** A cell is at least so wide: of smaller ones there would be too many lines to read. */
const LEAST_PX = 44;
/** A cell that has room for its name shows it. */
const NAME_PX = 52;
const STEP_PX = 6;
const NIGHT_MS = 60_000;

/** How many pairs of characters name the cells that a map of this scale shows; 0: the map is too small for fields. */
export function pairsFor(scale: number): number {
  let pairs = 0;
  while (pairs < CELL_DEG.length && ((CELL_DEG[pairs] as number) / 360) * scale >= LEAST_PX) pairs++;
  return pairs;
}

/** A longitude of the middle copy of the world. */
function wrapped(lng: number): number {
  return ((((lng + 180) % 360) + 360) % 360) - 180;
}

function grid(context: CanvasRenderingContext2D, frame: Frame, ink: string, halo: string): void {
  const { scale, left, top, width, height } = frame;
  const pairs = pairsFor(scale);
  if (pairs === 0) return;
  const wide = CELL_DEG[pairs - 1] as number;
  const west = Math.floor(((left / scale - 0.5) * 360) / wide);
  const east = Math.ceil((((left + width) / scale - 0.5) * 360) / wide);
  const north = Math.ceil(fromMercator(0, Math.max(0, top / scale)).lat / (wide / 2));
  const south = Math.floor(fromMercator(0, Math.min(1, (top + height) / scale)).lat / (wide / 2));
  const px = (column: number) => Math.round(toX(column * wide) * scale - left) + 0.5;
  const py = (row: number) => Math.round(toY((row * wide) / 2) * scale - top) + 0.5;
  const thin = new Path2D();
  const thick = new Path2D();
  // Lines that bound a bigger cell, too, are stronger.
  const per = pairs === 1 ? 0 : Math.round((CELL_DEG[pairs - 2] as number) / wide);
  const path = (n: number) => (per > 0 && n % per === 0 ? thick : thin);
  for (let column = west; column <= east; column++) {
    path(column).moveTo(px(column), 0);
    path(column).lineTo(px(column), height);
  }
  for (let row = south; row <= north; row++) {
    path(row).moveTo(0, py(row));
    path(row).lineTo(width, py(row));
  }
  context.strokeStyle = ink;
  context.globalAlpha = 0.35;
  context.lineWidth = 1;
  context.stroke(thin);
  context.globalAlpha = 0.6;
  context.lineWidth = 1.5;
  context.stroke(thick);
  context.globalAlpha = 1;
  if ((wide / 360) * scale < NAME_PX) return;
  context.font = "500 12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = halo;
  context.fillStyle = ink;
  for (let column = west; column < east; column++) {
    for (let row = south; row < north; row++) {
      const [x, y] = [(px(column) + px(column + 1)) / 2, (py(row) + py(row + 1)) / 2];
      if (py(row) - py(row + 1) < 16 || row * (wide / 2) < -90 || (row + 1) * (wide / 2) > 90) continue;
      const name = locator((row + 0.5) * (wide / 2), wrapped((column + 0.5) * wide), (pairs * 2) as 2 | 4 | 6 | 8);
      context.strokeText(name, x, y);
      context.fillText(name, x, y);
    }
  }
}

function night(context: CanvasRenderingContext2D, frame: Frame, nowMs: number, dark: boolean): void {
  const { scale, left, top, width, height } = frame;
  const sun = subsolar(nowMs);
  // In the north's summer the night lies south of the line, and to the south the canvas ends.
  const end = sun.lat >= 0 ? height : 0;
  context.beginPath();
  context.moveTo(0, end);
  for (let x = 0; x <= width + STEP_PX; x += STEP_PX) {
    const lng = ((left + x) / scale - 0.5) * 360;
    context.lineTo(x, toY(terminator(sun, lng)) * scale - top);
  }
  context.lineTo(width + STEP_PX, end);
  context.closePath();
  context.fillStyle = dark ? "rgba(0,0,0,0.42)" : "rgba(18,32,56,0.26)";
  context.fill();
}

/** Draws them from now on, as long as they are switched on. */
export function startLayers(core: Core, page: Page): void {
  const part: Part = {
    under(context, frame) {
      const shown = layers.peek();
      if (shown.has("night")) night(context, frame, page.at.peek() ?? serverNowMs(page), core.theme.dark);
      if (shown.has("grid")) grid(context, frame, core.theme.range, core.theme.halo);
    },
  };
  core.add(part);
  effect(() => {
    if (!layers.value.has("night")) return;
    const timer = setInterval(() => document.hidden || core.redraw(), NIGHT_MS);
    return () => clearInterval(timer);
  });
  core.redraw();
}
