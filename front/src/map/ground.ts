/** Names of places, written above the symbols, and the density at low zoom. */
import type { DensityCell } from "../live/types";
import { visible } from "../ui/visible";
import type { Place } from "./basemap";
import { type Cluster, radiusOf, short } from "./clusters";
import { type Box, Taken } from "./labels";
import { copies } from "./mercator";
import type { Frame } from "./overlay";
import type { Theme } from "./theme";

/** Pixels up and down from its place that a name may stand at, the best first: beside the numbers of crowds. */
const SHIFTS = [0, -20, 20, -34, 34] as const;
/** Names kept as pictures, and widths that are remembered; of more, all are made anew. */
const MOST_PICTURES = 400;
const MOST_WIDTHS = 5000;

interface Written {
  picture: HTMLCanvasElement;
  x: number;
  y: number;
  wide: number;
  high: number;
}

/**
 * Names of places, the important first, without collisions: neither with each other nor with the numbers of crowds. Each is
 * a picture, made once, so that writing all of them costs little in every frame.
 */
export class PlaceNames {
  private written: Written[] = [];
  private readonly pictures = new Map<string, HTMLCanvasElement>();
  private readonly widths = new Map<string, number>();
  private readonly measure = document.createElement("canvas").getContext("2d");
  /** Which shift each name stands at, so that it does not jump while crowds come and go. */
  private shifts = new Map<string, number>();

  /** Where they stand. */
  get boxes(): Box[] {
    return this.written.map(({ x, y, wide, high }) => [x - wide / 2 + PAD, y - high / 2 + PAD, x + wide / 2 - PAD, y + high / 2 - PAD]);
  }

  /** Chooses which are written, and where. */
  lay(places: readonly Place[], frame: Frame, theme: Theme, crowds: readonly Box[]): void {
    const taken = new Taken();
    for (const box of crowds) taken.add(...box);
    const before = this.shifts;
    this.shifts = new Map();
    this.written = [];
    for (const place of [...places].sort((a, b) => weight(a) - weight(b))) {
      const x = place.x * frame.scale - frame.left;
      const y = place.y * frame.scale - frame.top;
      if (x < -50 || x > frame.width + 50 || y < 0 || y > frame.height) continue;
      const country = place.kind === "country";
      // A country's name has served when its cities are read.
      if (country && frame.zoom > 7) continue;
      if (!country && frame.zoom < 4) continue;
      const style = styleOf(place);
      const [wide, high] = [this.width(style) + 2 * PAD, Math.ceil(style.px * 1.3) + 2 * PAD];
      const [half, tall] = [wide / 2 - PAD + 6, high / 2 - PAD + 4];
      const key = `${place.name} ${place.kind}`;
      const kept = before.get(key);
      const shift = [...(kept === undefined ? [] : [kept]), ...SHIFTS].find((dy) => taken.take(x - half, y + dy - tall, x + half, y + dy + tall));
      if (shift === undefined) continue;
      this.shifts.set(key, shift);
      this.written.push({ picture: this.picture(style, wide, high, frame, theme), x, y: y + shift, wide, high });
    }
  }

  draw(context: CanvasRenderingContext2D): void {
    for (const { picture, x, y, wide, high } of this.written) context.drawImage(picture, Math.round(x - wide / 2), Math.round(y - high / 2), wide, high);
  }

  private width(style: Style): number {
    const key = `${style.font} ${style.text}`;
    let width = this.widths.get(key);
    if (width === undefined) {
      if (this.widths.size >= MOST_WIDTHS) this.widths.clear();
      if (this.measure !== null) apply(this.measure, style);
      width = Math.ceil(this.measure?.measureText(style.text).width ?? 0);
      this.widths.set(key, width);
    }
    return width;
  }

  private picture(style: Style, wide: number, high: number, frame: Frame, theme: Theme): HTMLCanvasElement {
    const { text, font, country } = style;
    const key = `${font} ${text} ${frame.ratio} ${theme.dark}`;
    const known = this.pictures.get(key);
    if (known !== undefined) return known;
    if (this.pictures.size >= MOST_PICTURES) this.pictures.clear();
    const picture = document.createElement("canvas");
    picture.width = Math.ceil(wide * frame.ratio);
    picture.height = Math.ceil(high * frame.ratio);
    this.pictures.set(key, picture);
    const context = picture.getContext("2d");
    if (context === null) return picture;
    context.scale(frame.ratio, frame.ratio);
    apply(context, style);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.strokeStyle = theme.halo;
    context.lineWidth = 3.5;
    context.strokeText(text, wide / 2, high / 2);
    context.fillStyle = country ? theme.country : theme.city;
    context.fillText(text, wide / 2, high / 2);
    return picture;
  }
}

/** How a name is written. */
interface Style {
  text: string;
  font: string;
  /** Height of the letters, pixels. */
  px: number;
  country: boolean;
}

function styleOf(place: Place): Style {
  const country = place.kind === "country";
  const px = country ? Math.max(11, 16 - place.rank) : Math.max(10.5, 14 - place.rank * 0.8);
  const font = `${country ? "600" : "500"} ${px}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
  return { text: visible(country ? place.name.toUpperCase() : place.name), font, px, country };
}

function apply(context: CanvasRenderingContext2D, { font, country }: Style): void {
  context.font = font;
  context.letterSpacing = country ? "1.5px" : "0px";
}

/** Room for the halo around a name. */
const PAD = 3;

/** Where the numbers of crowds are written: names of places leave them readable. */
export function numberBoxes(clusters: readonly Cluster[], cells: readonly DensityCell[], frame: Frame): Box[] {
  const boxes: Box[] = clusters.map(({ x, y, count }) => {
    const half = radiusOf(count) * 0.7;
    return [x - half, y - 7, x + half, y + 7];
  });
  for (const copy of copies(frame.left / frame.scale, (frame.left + frame.width) / frame.scale)) {
    for (const cell of cells) {
      const radius = radiusOfCell(cell, frame);
      if (radius < NUMBER_FROM_PX) continue;
      const x = (cell.x + copy) * frame.scale - frame.left;
      const y = cell.y * frame.scale - frame.top;
      if (x > -30 && x < frame.width + 30 && y > -30 && y < frame.height + 30) boxes.push([x - radius * 0.7, y - 7, x + radius * 0.7, y + 7]);
    }
  }
  return boxes;
}

/** A disc of this radius has its number on it. */
const NUMBER_FROM_PX = 10;

function radiusOfCell(cell: DensityCell, frame: Frame): number {
  return Math.min((frame.scale / 64) * 0.62, 3 + Math.log2(cell.entities + 1) * (1 + frame.zoom * 0.45));
}

function weight(place: Place): number {
  return place.rank + (place.kind === "country" ? 0 : 3);
}

/** Cells with their counts: the larger the number, the larger and fuller the disc. */
export function drawDensity(context: CanvasRenderingContext2D, cells: readonly DensityCell[], frame: Frame, theme: Theme): void {
  const [red, green, blue] = theme.density;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const copy of copies(frame.left / frame.scale, (frame.left + frame.width) / frame.scale)) {
    for (const cell of cells) {
      const x = (cell.x + copy) * frame.scale - frame.left;
      const y = cell.y * frame.scale - frame.top;
      if (x < -30 || x > frame.width + 30 || y < -30 || y > frame.height + 30) continue;
      const radius = radiusOfCell(cell, frame);
      context.fillStyle = `rgba(${red},${green},${blue},${Math.min(0.85, 0.3 + Math.log10(cell.entities + 1) * 0.22)})`;
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.fill();
      if (radius >= NUMBER_FROM_PX) {
        context.fillStyle = theme.densityText;
        context.font = `600 ${Math.min(13, radius * 0.8)}px system-ui, sans-serif`;
        context.fillText(short(cell.entities), x, y + 0.5);
      }
    }
  }
  context.textAlign = "start";
}
