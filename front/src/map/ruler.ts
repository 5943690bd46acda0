/** The ruler on the map: legs along great circles between the points that were set, each with its distance and bearing. */
import type Leaflet from "leaflet";
import { bearing, distance } from "../ui/format";
import { way } from "../ui/geo";
import { type Page, fromMercator } from "../ui/page";
import { units } from "../ui/units";
import type { LatLng } from "../ui/url";
import type { At, Core, Part } from "./core";
import { toX, toY } from "./mercator";
import type { Frame } from "./overlay";
import { MOST_POINTS, ruler } from "./shown";

/** A leg is drawn in pieces of about so many kilometres, at most so many of them. */
const PIECE_KM = 50;
const MOST_PIECES = 128;
/** A press this near to a symbol means its station. */
const SNAP_PX = 14;
const RAD = Math.PI / 180;

/** Points of the great circle from one point to another, both included; longitudes go on beyond ±180°. */
export function greatCircle(from: LatLng, to: LatLng): LatLng[] {
  const { km } = way(from, to);
  const pieces = Math.max(1, Math.min(MOST_PIECES, Math.ceil(km / PIECE_KM)));
  const vector = ({ lat, lng }: LatLng) => [Math.cos(lat * RAD) * Math.cos(lng * RAD), Math.cos(lat * RAD) * Math.sin(lng * RAD), Math.sin(lat * RAD)] as const;
  const [a, b] = [vector(from), vector(to)];
  const angle = Math.acos(Math.max(-1, Math.min(1, a[0] * b[0] + a[1] * b[1] + a[2] * b[2])));
  const points: LatLng[] = [];
  for (let i = 0; i <= pieces; i++) {
    const part = i / pieces;
    const sin = Math.sin(angle);
    // Too near to each other, or on opposite sides of the globe: a straight line is as good as any.
    const [p, q] = sin < 1e-9 ? [1 - part, part] : [Math.sin((1 - part) * angle) / sin, Math.sin(part * angle) / sin];
    const [x, y, z] = [0, 1, 2].map((at) => p * (a[at] as number) + q * (b[at] as number)) as [number, number, number];
    let lng = Math.atan2(y, x) / RAD;
    const before = points.at(-1)?.lng ?? from.lng;
    lng += Math.round((before - lng) / 360) * 360;
    points.push({ lat: Math.atan2(z, Math.hypot(x, y)) / RAD, lng });
  }
  return points;
}

/** Adds a point, as far as there is room. */
export function addPoint({ lat, lng }: LatLng): void {
  if (ruler.peek().length >= MOST_POINTS) return;
  const wrapped = ((((lng + 180) % 360) + 360) % 360) - 180;
  ruler.value = [...ruler.peek(), { lat: Math.round(lat * 1e5) / 1e5, lng: Math.round(wrapped * 1e5) / 1e5 }];
}

/** Takes the last point away. */
export function dropPoint(): void {
  ruler.value = ruler.peek().slice(0, -1);
}

export class Ruler implements Part {
  private readonly core: Core;
  private readonly page: Page;
  /** Where the pointer is, in canvas pixels: the next leg, before it is set. */
  private at: At | null = null;

  constructor(core: Core, page: Page) {
    this.core = core;
    this.page = page;
  }

  private get active(): boolean {
    return this.page.side.peek() === "ruler" && this.page.selection.peek() === null;
  }

  /** The symbol's place when one is near: legs then end at stations. */
  private snapped(at: At): LatLng {
    const { scene, frame } = this.core;
    const [slot] = scene.pick(at.x, at.y, SNAP_PX);
    const place = slot === undefined ? at : scene.placeOf(slot) ?? at;
    return fromMercator((place.x + frame.left) / frame.scale, (place.y + frame.top) / frame.scale);
  }

  /** The pointer still rests where a point was set: there is no next leg yet. */
  private near(at: At, point: LatLng): boolean {
    const { frame } = this.core;
    return Math.hypot(toX(point.lng) * frame.scale - frame.left - at.x, toY(point.lat) * frame.scale - frame.top - at.y) < SNAP_PX;
  }

  press(at: At, _place: Leaflet.LatLng): boolean {
    if (!this.active) return false;
    addPoint(this.snapped(at));
    return true;
  }

  hover(at: At | null): boolean {
    if (!this.active) return false;
    const had = this.at !== null;
    this.at = at;
    if (had || at !== null) this.core.redraw();
    return true;
  }

  moved(): void {
    this.at = null;
  }

  over(context: CanvasRenderingContext2D, frame: Frame): void {
    const { theme } = this.core;
    const points = ruler.peek();
    const last = points.at(-1);
    const next = this.at === null || !this.active || last === undefined || this.near(this.at, last) ? null : this.snapped(this.at);
    const legs = points.slice(1).map((to, i) => [points[i] as LatLng, to] as const);
    const set = new Path2D();
    const coming = new Path2D();
    const texts: [string, number, number][] = [];
    for (const [i, [from, to]] of [...legs, ...(next === null ? [] : [[last as LatLng, next] as const])].entries()) {
      const line = greatCircle(from, to);
      for (const shift of shifts(line, frame)) {
        const path = i < legs.length ? set : coming;
        line.forEach((one, n) => {
          const [x, y] = [toX(one.lng + shift) * frame.scale - frame.left, toY(one.lat) * frame.scale - frame.top];
          if (n === 0) path.moveTo(x, y);
          else path.lineTo(x, y);
        });
        const middle = line[Math.floor(line.length / 2)] as LatLng;
        const one = line.length > 2 ? middle : { lat: (from.lat + to.lat) / 2, lng: (line[0]!.lng + line[1]!.lng) / 2 };
        const { km, deg } = way(from, to);
        texts.push([`${distance(km, units.peek())} · ${bearing(deg)}`, toX(one.lng + shift) * frame.scale - frame.left, toY(one.lat) * frame.scale - frame.top]);
      }
    }
    context.lineJoin = "round";
    context.strokeStyle = theme.halo;
    context.lineWidth = 6;
    context.stroke(set);
    context.strokeStyle = theme.label;
    context.lineWidth = 2.5;
    context.stroke(set);
    context.setLineDash([6, 5]);
    context.stroke(coming);
    context.setLineDash([]);
    points.forEach((one, i) => this.dot(context, frame, one, String(i + 1)));
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const [text, x, y] of texts) {
      const wide = context.measureText(text).width + 12;
      context.fillStyle = theme.labelGround;
      context.strokeStyle = theme.labelEdge;
      context.lineWidth = 1;
      context.beginPath();
      context.roundRect(x - wide / 2, y - 24, wide, 19, 5);
      context.fill();
      context.stroke();
      context.fillStyle = theme.label;
      context.fillText(text, x, y - 14);
    }
  }

  private dot(context: CanvasRenderingContext2D, frame: Frame, one: LatLng, text: string): void {
    const { theme } = this.core;
    for (const shift of shifts([one], frame)) {
      const [x, y] = [toX(one.lng + shift) * frame.scale - frame.left, toY(one.lat) * frame.scale - frame.top];
      context.beginPath();
      context.arc(x, y, 9, 0, 7);
      context.fillStyle = theme.label;
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = theme.halo;
      context.stroke();
      context.fillStyle = theme.dark ? "#10171d" : "#fff";
      context.font = "700 11px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(text, x, y + 0.5);
    }
  }
}

/** By how many degrees of longitude a line is moved so that each copy of the world in the frame shows it. */
function shifts(line: readonly LatLng[], frame: Frame): number[] {
  const lngs = line.map((one) => one.lng);
  const [west, east] = [Math.min(...lngs), Math.max(...lngs)];
  const [left, right] = [(frame.left / frame.scale - 0.5) * 360, ((frame.left + frame.width) / frame.scale - 0.5) * 360];
  const found = [];
  for (let copy = Math.ceil((left - east) / 360); copy <= Math.floor((right - west) / 360) && found.length < 5; copy++) found.push(copy * 360);
  return found;
}
