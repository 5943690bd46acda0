/**
 * What lies around symbols: how vague a position is, how far a station reaches, where it is going, where it may be by
 * now, and the shapes of area objects. Bounded: MOST of each in a frame; details of shapes are asked for MOST_ASKED at a
 * time, close by only, and kept for MOST_KEPT objects.
 */
import { station } from "../ui/api";
import { serverNowMs } from "../ui/clock";
import { KINDS, type Page, fromMercator } from "../ui/page";
import type { At, Core, Part } from "./core";
import type { LatLng } from "../ui/url";
import { circle, destination } from "./geo";
import { toX, toY } from "./mercator";
import type { Frame } from "./overlay";
import { FIELDS } from "./scene";
import { type Area, COLOURS, areaOf, signOf } from "./shapes";
import { layers } from "./shown";

const MOST = 250;
/** With more than so many moving symbols in view their vectors are a thicket that costs a third of the frame: none is drawn. */
const MOST_VECTORS = 1000;
const MOST_ASKED = 20;
const MOST_KEPT = 300;
const SHAPES_ZOOM = 9;
const VECTORS_ZOOM = 9;
const VAGUE_ZOOM = 7;
const RANGES_ZOOM = 7;
/** A course vector is the way of so long, within these pixels. */
const VECTOR_MIN = 2;
const VECTOR_PX = [8, 90] as const;
/** A course is believed for this long after it was heard, or two usual intervals. */
const COURSE_S = 600;
/** Nobody's place is reckoned for longer. */
const RECKON_S = 900;
/** Half a side of the box of each ambiguity, degrees: tenths, minutes, ten minutes, a degree. */
const VAGUE_DEG = [0, 0.05 / 60, 0.5 / 60, 5 / 60, 0.5] as const;
const BACKSLASH = 92;

interface Look {
  area: Area | null;
  sign: string | null;
  heardS: number;
}

export class Reach implements Part {
  private readonly core: Core;
  private readonly page: Page;
  /** By kind and name; null while it is asked for. */
  private readonly looks = new Map<string, Look | null>();
  private asking = false;
  private lookTimer: ReturnType<typeof setTimeout> | undefined;
  private reckonTimer: ReturnType<typeof setTimeout> | undefined;
  private pointed = -1;

  constructor(core: Core, page: Page) {
    this.core = core;
    this.page = page;
  }

  hover(at: At | null, found: number[]): boolean {
    const slot = at === null ? -1 : (found[0] ?? -1);
    if (slot !== this.pointed) {
      this.pointed = slot;
      this.core.redraw();
    }
    return false;
  }

  /** Asks for the shapes in view, after a while without moves. */
  look(): void {
    this.lookTimer ??= setTimeout(() => {
      this.lookTimer = undefined;
      if (this.core.frame.zoom >= SHAPES_ZOOM && !document.hidden) void this.ask();
    }, 400);
  }

  moved(): void {
    this.look();
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    const { scene, world: { entities } } = this.core;
    const due: { key: string; slot: number; name: string; kind: number }[] = [];
    for (let i = 0; i < scene.count && due.length < MOST_ASKED; i++) {
      const slot = scene.slots[i] as number;
      const code = entities.symbolCode[slot];
      if (entities.symbolTable[slot] !== BACKSLASH || (code !== 108 && code !== 109)) continue;
      const kind = (entities.flags[slot] as number) & 3;
      const key = `${kind} ${entities.name(slot)}`;
      const known = this.looks.get(key);
      if (known === undefined || (known !== null && known.heardS + 60 < (entities.heardS[slot] as number))) due.push({ key, slot, name: entities.name(slot), kind });
    }
    for (const { key, slot, name, kind } of due) {
      // A tab that nobody sees asks nothing; it looks again when it is seen.
      if (document.hidden) break;
      const heardS = entities.heardS[slot] as number;
      const before = this.looks.get(key);
      let look: Look = { area: null, sign: null, heardS };
      try {
        const { raw } = await station(name, KINDS[kind] ?? "object", AbortSignal.timeout(10_000));
        look = { area: areaOf(raw), sign: signOf(raw), heardS };
      } catch {
        // Without its packet it stays a plain symbol until it is heard again.
        if (before != null) look = { ...before, heardS };
      }
      this.looks.delete(key);
      this.looks.set(key, look);
      while (this.looks.size > MOST_KEPT) this.looks.delete(this.looks.keys().next().value as string);
      this.core.redraw();
    }
    this.asking = false;
    if (due.length === MOST_ASKED) this.look();
  }

  private lookOf(slot: number): Look | null {
    const { entities } = this.core.world;
    if (entities.symbolTable[slot] !== BACKSLASH || (entities.symbolCode[slot] !== 108 && entities.symbolCode[slot] !== 109)) return null;
    return this.looks.get(`${(entities.flags[slot] as number) & 3} ${entities.name(slot)}`) ?? null;
  }

  under(context: CanvasRenderingContext2D, frame: Frame): void {
    const { scene, world: { entities }, theme } = this.core;
    const shown = layers.peek();
    const nowS = serverNowMs(this.page) / 1000;
    const vague = new Path2D();
    const ranges = new Path2D();
    let vectors = new Path2D();
    const reckoned = new Path2D();
    let [vagues, circles, moving, reckons] = [0, 0, 0, 0];
    for (let i = 0; i < scene.count; i++) {
      const slot = scene.slots[i] as number;
      const x = scene.data[i * FIELDS] as number;
      const y = scene.data[i * FIELDS + 1] as number;
      const level = ((entities.flags[slot] as number) >> 4) & 7;
      if (level > 0 && level < 5 && frame.zoom >= VAGUE_ZOOM && vagues < MOST) vagues += this.vague(vague, slot, level, x, frame);
      const special = slot === this.core.selected || slot === this.pointed;
      if ((entities.rangeKm[slot] as number) > 0 && (special || (shown.has("ranges") && frame.zoom >= RANGES_ZOOM)) && circles < MOST) {
        circles++;
        this.range(ranges, slot, x, frame);
      }
      const kmh = entities.speedKmh[slot] as number;
      const course = entities.courseDeg[slot] as number;
      const age = nowS - (entities.heardS[slot] as number);
      if (kmh > 3 && course !== 0xffff && frame.zoom >= VECTORS_ZOOM && age < Math.max(COURSE_S, 2 * (entities.intervalS[slot] as number))) {
        if (shown.has("vectors") && moving <= MOST_VECTORS) {
          moving++;
          if (moving > MOST_VECTORS) vectors = new Path2D();
          else this.vector(vectors, slot, x, y, kmh, course, frame);
        }
        if (shown.has("reckoning") && age < RECKON_S && reckons < MOST) reckons += this.reckon(reckoned, slot, x, y, kmh, course, age, frame);
      }
      if (frame.zoom >= SHAPES_ZOOM) {
        const area = this.lookOf(slot)?.area;
        if (area != null) this.area(context, area, slot, x, frame);
      }
    }
    context.strokeStyle = theme.range;
    context.fillStyle = theme.range;
    context.globalAlpha = 0.12;
    context.fill(vague);
    if (circles < 3) context.fill(ranges);
    context.globalAlpha = 0.8;
    context.lineWidth = 1.25;
    context.setLineDash([5, 4]);
    context.stroke(vague);
    context.setLineDash([]);
    context.lineWidth = 1.5;
    context.stroke(ranges);
    context.globalAlpha = 1;
    context.lineWidth = 2;
    context.lineCap = "round";
    context.stroke(vectors);
    context.setLineDash([1, 5]);
    context.stroke(reckoned);
    context.setLineDash([]);
    this.keepReckoning(reckons > 0);
  }

  /** What is reckoned moves although nothing is heard: once a second while it is in view. */
  private keepReckoning(wanted: boolean): void {
    if (!wanted || this.reckonTimer !== undefined) return;
    this.reckonTimer = setTimeout(() => {
      this.reckonTimer = undefined;
      if (!document.hidden) this.core.redraw();
    }, 1000);
  }

  private placeOf(slot: number): LatLng {
    const { x, y } = this.core.world.entities;
    return fromMercator(x[slot] as number, y[slot] as number);
  }

  /** A ring on the ground, in the copy of the world that the symbol at canvas `x` belongs to. */
  private trace(path: Path2D, ring: readonly LatLng[], slot: number, x: number, frame: Frame): void {
    const own = (this.core.world.entities.x[slot] as number) * frame.scale - frame.left;
    const shift = Math.round((x - own) / frame.scale) * frame.scale;
    ring.forEach((point, i) => {
      const px = toX(point.lng) * frame.scale - frame.left + shift;
      const py = toY(point.lat) * frame.scale - frame.top;
      if (i === 0) path.moveTo(px, py);
      else path.lineTo(px, py);
    });
  }

  /** 1 when the box is large enough to be seen around the symbol. */
  private vague(path: Path2D, slot: number, level: number, x: number, frame: Frame): number {
    const half = VAGUE_DEG[level] ?? 0;
    if ((half / 180) * frame.scale < this.core.symbolSize) return 0;
    const { lat, lng } = this.placeOf(slot);
    const [north, south] = [Math.min(85, lat + half), Math.max(-85, lat - half)];
    this.trace(path, [{ lat: north, lng: lng - half }, { lat: north, lng: lng + half }, { lat: south, lng: lng + half }, { lat: south, lng: lng - half }], slot, x, frame);
    path.closePath();
    return 1;
  }

  private range(path: Path2D, slot: number, x: number, frame: Frame): void {
    const { rangeKm } = this.core.world.entities;
    const km = rangeKm[slot] as number;
    let centre = this.placeOf(slot);
    // A directional antenna's circle leans that way by a third, as is the custom; only the selected one's is known.
    const detail = this.page.detail.peek();
    const towards = slot === this.core.selected && detail.kind === "loaded" ? detail.station.phg?.directivity_deg : null;
    if (towards != null) centre = destination(centre, towards, km / 3);
    this.trace(path, circle(centre, km), slot, x, frame);
    path.closePath();
  }

  private pxPerKm(slot: number, frame: Frame): number {
    const { lat } = this.placeOf(slot);
    return frame.scale / (40_075 * Math.max(0.05, Math.cos((lat * Math.PI) / 180)));
  }

  private vector(path: Path2D, slot: number, x: number, y: number, kmh: number, course: number, frame: Frame): void {
    const size = this.core.symbolSize / 2;
    const length = Math.min(VECTOR_PX[1], Math.max(VECTOR_PX[0], kmh * (VECTOR_MIN / 60) * this.pxPerKm(slot, frame) - size));
    const turn = (course * Math.PI) / 180;
    const [dx, dy] = [Math.sin(turn), -Math.cos(turn)];
    const [ex, ey] = [x + dx * (size + length), y + dy * (size + length)];
    path.moveTo(x + dx * size, y + dy * size);
    path.lineTo(ex, ey);
    for (const side of [2.5, -2.5]) {
      path.moveTo(ex, ey);
      path.lineTo(ex + Math.sin(turn + side) * 5, ey - Math.cos(turn + side) * 5);
    }
  }

  private reckon(path: Path2D, slot: number, x: number, y: number, kmh: number, course: number, age: number, frame: Frame): number {
    const length = (kmh / 3600) * Math.max(0, age) * this.pxPerKm(slot, frame);
    if (length < this.core.symbolSize) return 1;
    const turn = (course * Math.PI) / 180;
    const [ex, ey] = [x + Math.sin(turn) * length, y - Math.cos(turn) * length];
    path.moveTo(x, y);
    path.lineTo(ex, ey);
    path.moveTo(ex + 8, ey);
    path.arc(ex, ey, 8, 0, 7);
    return 1;
  }

  private area(context: CanvasRenderingContext2D, area: Area, slot: number, x: number, frame: Frame): void {
    const { lat, lng } = this.placeOf(slot);
    const end = { lat: lat - area.south, lng: lng + area.east };
    const path = new Path2D();
    this.trace(path, outline(area, lat, lng), slot, x, frame);
    if (area.shape !== "line") path.closePath();
    const colour = COLOURS[area.colour] as string;
    context.strokeStyle = colour;
    context.fillStyle = colour;
    if (area.filled) {
      context.globalAlpha = 0.3;
      context.fill(path);
    }
    if (area.corridorKm > 0) {
      context.globalAlpha = 0.25;
      context.lineCap = "butt";
      context.lineWidth = Math.max(2, 2 * area.corridorKm * (frame.scale / (40_075 * Math.max(0.05, Math.cos((((lat + end.lat) / 2) * Math.PI) / 180)))));
      context.stroke(path);
    }
    context.globalAlpha = 1;
    context.lineWidth = 2.25;
    context.stroke(path);
  }

  over(context: CanvasRenderingContext2D, frame: Frame): void {
    if (frame.zoom < SHAPES_ZOOM || this.looks.size === 0) return;
    const { scene, theme, symbolSize } = this.core;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `700 ${Math.round(symbolSize * 0.45)}px system-ui, sans-serif`;
    for (let i = 0; i < scene.count; i++) {
      const sign = this.lookOf(scene.slots[i] as number)?.sign;
      if (sign == null) continue;
      const x = scene.data[i * FIELDS] as number;
      const y = scene.data[i * FIELDS + 1] as number;
      const half = Math.max(symbolSize / 2, context.measureText(sign).width / 2 + 4);
      context.beginPath();
      context.roundRect(x - half, y - symbolSize * 0.36, half * 2, symbolSize * 0.72, 3);
      context.fillStyle = "#fff";
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = theme.dark ? "#c9d3da" : "#1c2530";
      context.stroke();
      context.fillStyle = "#111";
      context.fillText(sign, x, y + 0.5);
    }
    context.textAlign = "start";
  }
}

/** The corners of a shape; its place is the upper left one, for a line down to the left the upper right one. */
function outline(area: Area, lat: number, lng: number): LatLng[] {
  const { south, east } = area;
  if (area.shape === "line") return [{ lat, lng }, { lat: lat - south, lng: lng + east }];
  if (area.shape === "box") return [{ lat, lng }, { lat, lng: lng + east }, { lat: lat - south, lng: lng + east }, { lat: lat - south, lng }];
  if (area.shape === "triangle") return [{ lat: lat - south, lng }, { lat, lng: lng + east / 2 }, { lat: lat - south, lng: lng + east }];
  // A circle is as high as it says and round on the ground; an ellipse fills its box.
  const tall = south / 2;
  const wide = area.shape === "circle" ? tall / Math.max(0.05, Math.cos(((lat - tall) * Math.PI) / 180)) : east / 2;
  return Array.from({ length: 49 }, (_, i) => {
    const turn = (i / 48) * 2 * Math.PI;
    return { lat: lat - tall + tall * Math.cos(turn), lng: lng + wide + wide * Math.sin(turn) };
  });
}
