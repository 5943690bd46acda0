/** What is written and drawn on the ground below the symbols: names of places, and the density at low zoom. */
import type { DensityCell } from "../live/types";
import type { Place } from "./basemap";
import { short } from "./clusters";
import { Taken } from "./labels";
import { copies } from "./mercator";
import type { Frame } from "./overlay";
import type { Theme } from "./theme";

/** Place names, the important first, without collisions. */
export function drawPlaces(context: CanvasRenderingContext2D, places: readonly Place[], frame: Frame, theme: Theme): void {
  const taken = new Taken();
  const order = [...places].sort((a, b) => weight(a) - weight(b));
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.strokeStyle = theme.halo;
  for (const place of order) {
    const x = place.x * frame.scale - frame.left;
    const y = place.y * frame.scale - frame.top;
    if (x < -50 || x > frame.width + 50 || y < 0 || y > frame.height) continue;
    const country = place.kind === "country";
    // A country's name has served when its cities are read.
    if (country && frame.zoom > 7) continue;
    if (!country && frame.zoom < 4) continue;
    const px = country ? Math.max(11, 16 - place.rank) : Math.max(10.5, 14 - place.rank * 0.8);
    context.font = `${country ? "600" : "500"} ${px}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
    const text = country ? place.name.toUpperCase() : place.name;
    context.letterSpacing = country ? "1.5px" : "0px";
    const half = context.measureText(text).width / 2;
    if (!taken.take(x - half - 6, y - px, x + half + 6, y + px)) continue;
    context.lineWidth = 3;
    context.strokeText(text, x, y);
    context.fillStyle = country ? theme.country : theme.city;
    context.fillText(text, x, y);
  }
  context.letterSpacing = "0px";
  context.textAlign = "start";
}

function weight(place: Place): number {
  return place.rank + (place.kind === "country" ? 0 : 3);
}

/** Cells with their counts: the larger the number, the larger and fuller the disc. */
export function drawDensity(context: CanvasRenderingContext2D, cells: readonly DensityCell[], frame: Frame, theme: Theme): void {
  const [red, green, blue] = theme.density;
  const spacing = frame.scale / 64;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const copy of copies(frame.left / frame.scale, (frame.left + frame.width) / frame.scale)) {
    for (const cell of cells) {
      const x = (cell.x + copy) * frame.scale - frame.left;
      const y = cell.y * frame.scale - frame.top;
      if (x < -30 || x > frame.width + 30 || y < -30 || y > frame.height + 30) continue;
      const radius = Math.min(spacing * 0.62, 3 + Math.log2(cell.entities + 1) * (1 + frame.zoom * 0.45));
      context.fillStyle = `rgba(${red},${green},${blue},${Math.min(0.85, 0.3 + Math.log10(cell.entities + 1) * 0.22)})`;
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.fill();
      if (radius >= 10) {
        context.fillStyle = theme.densityText;
        context.font = `600 ${Math.min(13, radius * 0.8)}px system-ui, sans-serif`;
        context.fillText(short(cell.entities), x, y + 0.5);
      }
    }
  }
  context.textAlign = "start";
}
