/**
 * Trails on the map: of the selected station, and near enough of some others in view. The archive gives what was, the
 * stream continues it; in time travel they end at the moment that is shown. Bounded: OTHERS trails of others, MOST_KEPT in memory, `limit` fixes each, two requests at a time.
 */
import { signal } from "@preact/signals";
import { levelForZoom } from "../live/tiles";
import type { EntityColumns } from "../live/types";
import { KINDS, type Page, type Selection, fromMercator } from "../ui/page";
import { serverNowMs } from "../ui/clock";
import { type Track, track } from "./api";
import type { At, Core, Part } from "./core";
import { copies } from "./mercator";
import type { Frame } from "./overlay";
import { trailHours } from "./shown";
import { type Fix, append, breaks, fixOf, gapOf, lengthKm, pieces } from "./trail";

const OTHERS = 12;
const OTHERS_ZOOM = 11;
const MOST_KEPT = 40;
const OWN_LIMIT = 2000;
const OTHER_LIMIT = 400;
/** A live fix has no packet yet: the archive is asked for it after this, and no more often than the other. */
const ASK_AFTER_MS = 2500;
const ASK_EVERY_MS = 8000;
/** Others are read anew after this. */
const STALE_MS = 5 * 60_000;
/** In time travel so much is read beyond the moment, ms: playing on then needs no answer for each step. */
const AHEAD_MS = 30 * 60_000;
/** Steps of the gradient of age. */
const SHADES = 8;
const DOTS_ZOOM = 10;
/** Pixels between two arrows, and at least between two dots. */
const ARROWS_PX = 80;
const DOTS_PX = 16;
const PRESS_PX = 14;

/** Colours that stay apart for people who see red and green alike: blue for the selected, these for others. */
const OWN = { light: "#0b5fa5", dark: "#6fbdf5" };
const OTHER = { light: ["#00795c", "#8f6200", "#7a3f8f", "#5b6770"], dark: ["#4fd0ab", "#e8bc55", "#d5a3ea", "#aab6c0"] };

export type TrailState =
  | { kind: "loading" }
  | { kind: "failed"; reason: string }
  | { kind: "loaded"; positions: number; km: number; hidden: number; truncated: boolean };

interface Drawn {
  frame: Frame;
  version: number;
  shades: Path2D[];
  arrows: Path2D;
  dots: Path2D;
  hidden: Path2D;
}

interface Trail {
  name: string;
  kind: number;
  fixes: Fix[];
  /** In time travel: what comes after the moment that is shown. */
  ahead: Fix[];
  /** In time travel: everything before this is known, ms since 1970. */
  untilMs: number;
  /** More of it is on its way. */
  asking: boolean;
  pieces: Fix[][];
  /** Grows with each change. */
  version: number;
  readAt: number;
  slot: number;
  truncated: boolean;
  drawn: Drawn | null;
}

function trailOf(name: string, kind: number): Trail {
  return { name, kind, fixes: [], ahead: [], untilMs: 0, asking: false, pieces: [], version: 0, readAt: 0, slot: -1, truncated: false, drawn: null };
}

export class Trails implements Part {
  readonly state = signal<TrailState>({ kind: "loading" });
  readonly showHidden = signal(false);
  /** The point that was pressed, and whose it is. */
  readonly chosen = signal<{ fix: Fix; name: string } | null>(null);

  private readonly core: Core;
  private readonly page: Page;
  private own: Trail | null = null;
  private readonly others = new Map<string, Trail>();
  /** Keys of the others that are drawn now. */
  private shown: string[] = [];
  private request = new AbortController();
  private busy = 0;
  private askTimer: ReturnType<typeof setTimeout> | undefined;
  private lookTimer: ReturnType<typeof setTimeout> | undefined;
  /** The moment that trails end at; null: now. */
  private moment: number | null = null;

  constructor(core: Core, page: Page) {
    this.core = core;
    this.page = page;
    this.moment = page.moment.peek();
  }

  /** The trail of another station, or of none, from now on. */
  select(selection: Selection | null): void {
    this.request.abort();
    this.request = new AbortController();
    clearTimeout(this.askTimer);
    this.askTimer = undefined;
    this.chosen.value = null;
    this.showHidden.value = false;
    // Of a name whose kind the server has yet to tell there is nothing to ask for.
    this.own = selection === null || selection.guess === true ? null : trailOf(selection.name, KINDS.indexOf(selection.kind));
    this.state.value = { kind: "loading" };
    if (this.own !== null) void this.read(this.own, false);
    this.core.redraw();
  }

  /** The length of history has changed. */
  restart(): void {
    this.others.clear();
    this.shown = [];
    const now = this.page.selection.peek();
    this.select(now);
    this.look();
  }

  /** The newest packet of the selected station's trail; null when the archive gave none. */
  newestId(): string | null {
    return this.own?.fixes.findLast((fix) => fix.id !== "" && fix.reason === "")?.id ?? null;
  }

  private now(): number {
    return this.moment ?? serverNowMs(this.page);
  }

  /** Another moment is shown, or the present with null. */
  setMoment(moment: number | null): void {
    const before = this.moment;
    this.moment = moment;
    if (before === moment) return;
    if (before === null || moment === null || moment < before) {
      this.restart();
      return;
    }
    for (const trail of [this.own, ...this.shown.map((key) => this.others.get(key))]) {
      if (trail != null) this.advance(trail, moment);
    }
  }

  /** In time travel: what has happened by now becomes part of the trail. */
  private advance(trail: Trail, moment: number): void {
    let late = 0;
    while (late < trail.ahead.length && (trail.ahead[late] as Fix).ms <= moment) late++;
    for (const fix of trail.ahead.splice(0, late)) append(trail.fixes, fix);
    const begin = moment - trailHours.peek() * 3_600_000;
    if (late > 0 || (trail.fixes[0]?.endMs ?? Infinity) < begin) this.changed(trail);
    if (moment < trail.untilMs || trail.readAt === 0 || trail.asking) return;
    trail.asking = true;
    void this.read(trail, true);
  }

  private async read(trail: Trail, more: boolean): Promise<void> {
    const { signal: aborted } = this.request;
    const known = trail.fixes.filter((fix) => fix.id !== "");
    const begin = this.now() - trailHours.peek() * 3_600_000;
    const own = trail === this.own;
    const until = this.moment === null ? null : Math.min(serverNowMs(this.page), this.moment + AHEAD_MS);
    const last = until === null ? (known.at(-1)?.ms ?? 0) + 1 : trail.untilMs;
    const since = more ? Math.max(begin, last) : begin;
    try {
      const found = await track(trail.name, KINDS[trail.kind] ?? "station", since, until, own ? OWN_LIMIT : OTHER_LIMIT, aborted);
      if (aborted.aborted) return;
      if (until !== null) {
        this.takePast(trail, found, more, until);
        return;
      }
      // What the stream told meanwhile is in the archive or will be asked for again.
      const live = trail.fixes.filter((fix) => fix.id === "");
      trail.fixes = more ? known : [];
      for (const point of found.points) {
        const fix = fixOf(point);
        if (fix !== null) append(trail.fixes, fix);
      }
      for (const fix of live) if (fix.ms > (trail.fixes.at(-1)?.endMs ?? 0) + 2000) append(trail.fixes, fix);
      trail.truncated = found.truncated;
      trail.readAt = performance.now();
      this.changed(trail);
    } catch (error) {
      trail.asking = false;
      // A stretch that did not come is not asked for again before the next.
      if (until !== null) trail.untilMs = until;
      if (aborted.aborted || !own || more) return;
      this.state.value = { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  private takePast(trail: Trail, found: Track, more: boolean, until: number): void {
    const points = found.points.map(fixOf).filter((fix) => fix !== null);
    if (!more) trail.fixes = [];
    trail.ahead = points;
    trail.asking = false;
    // What is cut goes on after its last point, before the moment at once.
    trail.untilMs = found.truncated ? (points.at(-1)?.ms ?? until) + 1 : until;
    trail.truncated = false;
    trail.readAt = performance.now();
    this.changed(trail);
    this.advance(trail, this.now());
  }

  private changed(trail: Trail): void {
    const begin = this.now() - trailHours.peek() * 3_600_000;
    let late = 0;
    while (late < trail.fixes.length && (trail.fixes[late] as Fix).endMs < begin) late++;
    if (late > 0) trail.fixes.splice(0, late);
    // A page that stays open for long keeps no more than a fresh one reads.
    if (trail.fixes.length > OWN_LIMIT) trail.fixes.splice(0, trail.fixes.length - OWN_LIMIT);
    trail.pieces = pieces(trail.fixes);
    trail.version++;
    if (trail === this.own) {
      const good = trail.fixes.filter((fix) => fix.reason === "").length;
      this.state.value = { kind: "loaded", positions: good, km: lengthKm(trail.pieces), hidden: trail.fixes.length - good, truncated: trail.truncated };
    }
    this.core.redraw();
  }

  /** The world has changed: trails grow by what it says. */
  follow(): void {
    const { entities } = this.core.world;
    if (this.own !== null) {
      this.own.slot = this.core.selected;
      if (this.moment === null && this.grow(this.own, entities)) this.askLater();
    }
    for (const key of this.moment === null ? this.shown : []) {
      const trail = this.others.get(key);
      if (trail !== undefined) this.grow(trail, entities);
    }
    this.lookTimer ??= setTimeout(() => {
      this.lookTimer = undefined;
      if (!document.hidden) this.look();
    }, 1500);
  }

  private grow(trail: Trail, entities: EntityColumns): boolean {
    const { slot } = trail;
    if (slot < 0 || entities.present[slot] === 0 || trail.readAt === 0) return false;
    if (entities.name(slot) !== trail.name || ((entities.flags[slot] as number) & 3) !== trail.kind) {
      trail.slot = -1;
      return false;
    }
    const ms = (entities.heardS[slot] as number) * 1000;
    const last = trail.fixes.findLast((fix) => fix.reason === "");
    if (last !== undefined && ms < last.endMs + 2000) return false;
    const [x, y] = [entities.x[slot] as number, entities.y[slot] as number];
    const rounding = 2 / 65536 / 2 ** levelForZoom(this.core.frame.zoom);
    if (last !== undefined && Math.hypot(x - (last.x - Math.round(last.x - x)), y - last.y) <= rounding) {
      last.endMs = Math.max(last.endMs, ms);
      return false;
    }
    const course = entities.courseDeg[slot] as number;
    const fix: Fix = {
      ms, endMs: ms, ...fromMercator(x, y), x, y, speedKmh: entities.speedKmh[slot] as number,
      courseDeg: course === 0xffff ? Number.NaN : course, altitudeM: Number.NaN, id: "", reason: "",
    };
    if (!append(trail.fixes, fix)) return false;
    this.changed(trail);
    return true;
  }

  private askLater(): void {
    const trail = this.own;
    if (trail === null || this.askTimer !== undefined) return;
    const wait = Math.max(ASK_AFTER_MS, ASK_EVERY_MS - (performance.now() - trail.readAt));
    this.askTimer = setTimeout(() => {
      this.askTimer = undefined;
      void this.read(trail, true);
    }, wait);
  }

  moved(): void {
    this.look();
  }

  /** Chooses the others whose trails are shown: what moves, nearest to the middle. */
  private look(): void {
    const { scene, frame, world } = this.core;
    const before = this.shown;
    this.shown = [];
    if (frame.zoom >= OTHERS_ZOOM) {
      const { entities } = world;
      const found: [number, number][] = [];
      for (let i = 0; i < scene.count; i++) {
        const slot = scene.slots[i] as number;
        if (slot === this.core.selected || !((entities.speedKmh[slot] as number) > 2)) continue;
        found.push([Math.hypot((scene.data[i * 6] as number) - frame.width / 2, (scene.data[i * 6 + 1] as number) - frame.height / 2), slot]);
      }
      found.sort((a, b) => a[0] - b[0]);
      for (const [, slot] of found.slice(0, OTHERS)) {
        const kind = (entities.flags[slot] as number) & 3;
        const key = `${kind} ${entities.name(slot)}`;
        const trail = this.others.get(key) ?? trailOf(entities.name(slot), kind);
        // The one used last stands last.
        this.others.delete(key);
        this.others.set(key, trail);
        trail.slot = slot;
        if (!this.shown.includes(key)) this.shown.push(key);
      }
      while (this.others.size > MOST_KEPT) this.others.delete(this.others.keys().next().value as string);
      void this.work();
    }
    if (before.length > 0 || this.shown.length > 0) this.core.redraw();
  }

  /** Reads what is shown and not known yet, two at a time. */
  private async work(): Promise<void> {
    if (this.busy >= 2) return;
    this.busy++;
    try {
      for (;;) {
        const due = this.shown.map((key) => this.others.get(key)).find((one) => one !== undefined && (one.readAt === 0 || performance.now() - one.readAt > STALE_MS));
        if (due === undefined) return;
        // Marked before the answer: two workers never ask for the same, and a failure is not repeated at once.
        due.readAt = performance.now();
        due.asking = this.moment !== null;
        await this.read(due, false);
      }
    } finally {
      this.busy--;
    }
  }

  under(context: CanvasRenderingContext2D, frame: Frame): void {
    const night = this.core.theme.dark;
    for (const key of this.shown) {
      const trail = this.others.get(key);
      if (trail === undefined || trail.fixes.length < 2) continue;
      const colours = night ? OTHER.dark : OTHER.light;
      this.draw(context, frame, trail, colours[hash(trail.name) % colours.length] as string, false);
    }
    if (this.own !== null) this.draw(context, frame, this.own, night ? OWN.dark : OWN.light, true);
  }

  private draw(context: CanvasRenderingContext2D, frame: Frame, trail: Trail, colour: string, own: boolean): void {
    if (trail.drawn === null || trail.drawn.frame !== frame || trail.drawn.version !== trail.version) trail.drawn = this.paths(frame, trail, own);
    const { shades, arrows, dots, hidden } = trail.drawn;
    context.lineJoin = "round";
    context.lineCap = "round";
    context.strokeStyle = this.core.theme.halo;
    context.lineWidth = own ? 7 : 5;
    for (const shade of shades) context.stroke(shade);
    context.strokeStyle = colour;
    context.lineWidth = own ? 3.5 : 2.25;
    shades.forEach((shade, age) => {
      context.globalAlpha = 1 - 0.7 * (age / (SHADES - 1));
      context.stroke(shade);
    });
    context.globalAlpha = 1;
    this.drawEnd(context, frame, trail);
    context.lineWidth = own ? 2.5 : 2;
    context.stroke(arrows);
    if (!own) return;
    context.fillStyle = this.core.theme.labelGround;
    context.lineWidth = 1.75;
    context.fill(dots);
    context.stroke(dots);
    if (this.showHidden.peek()) {
      context.strokeStyle = this.core.theme.label;
      context.stroke(hidden);
    }
    this.ring(context, frame, colour);
  }

  /**
   * From the last fix but one to where the symbol is just now: it may still be gliding. In time travel it glides on from
   * the last one, where it will be heard again.
   */
  private drawEnd(context: CanvasRenderingContext2D, frame: Frame, trail: Trail): void {
    const piece = trail.pieces.at(-1);
    const last = piece?.at(-1);
    const from = this.moment === null ? piece?.at(-2) : last;
    if (from === undefined || last === undefined) return;
    if (this.moment !== null) {
      const next = trail.ahead.find((fix) => fix.reason === "");
      if (next === undefined || breaks(last, next, gapOf(trail.fixes)) || this.core.scene.fan !== null || this.core.scene.placeOf(trail.slot) === null) return;
    }
    const symbol = trail.slot < 0 ? null : this.core.scene.placeOf(trail.slot);
    const x = last.x * frame.scale - frame.left;
    const y = last.y * frame.scale - frame.top;
    // A symbol far from it has not heard of this fix, or stands in a fan.
    const copy = symbol === null ? 0 : Math.round((symbol.x - x) / frame.scale) * frame.scale;
    const end = symbol !== null && this.core.scene.fan === null ? symbol : { x: x + copy, y };
    context.beginPath();
    context.moveTo(from.x * frame.scale - frame.left + copy, from.y * frame.scale - frame.top);
    context.lineTo(end.x, end.y);
    context.stroke();
  }

  private ring(context: CanvasRenderingContext2D, frame: Frame, colour: string): void {
    const chosen = this.chosen.peek();
    if (chosen === null) return;
    for (const copy of copiesOf(frame)) {
      const x = (chosen.fix.x + copy) * frame.scale - frame.left;
      if (x < -20 || x > frame.width + 20) continue;
      context.beginPath();
      context.arc(x, chosen.fix.y * frame.scale - frame.top, 8, 0, 7);
      context.lineWidth = 6;
      context.strokeStyle = this.core.theme.halo;
      context.stroke();
      context.lineWidth = 3;
      context.strokeStyle = colour;
      context.stroke();
    }
  }

  /** The trail in pixels, made once for each frame and change. */
  private paths(frame: Frame, trail: Trail, own: boolean): Drawn {
    const drawn: Drawn = { frame, version: trail.version, shades: Array.from({ length: SHADES }, () => new Path2D()), arrows: new Path2D(), dots: new Path2D(), hidden: new Path2D() };
    const now = this.now();
    const span = trailHours.peek() * 3_600_000;
    // That one is drawn to where the symbol is, each time anew.
    const end = this.moment === null ? trail.pieces.at(-1)?.at(-1) : undefined;
    for (const copy of copiesOf(frame)) {
      const px = (fix: Fix) => (fix.x + copy) * frame.scale - frame.left;
      const py = (fix: Fix) => fix.y * frame.scale - frame.top;
      for (const piece of trail.pieces) {
        let along = 0;
        for (let i = 1; i < piece.length; i++) {
          const [from, to] = [piece[i - 1] as Fix, piece[i] as Fix];
          const [x0, y0, x1, y1] = [px(from), py(from), px(to), py(to)];
          const seen = Math.max(x0, x1) > -20 && Math.min(x0, x1) < frame.width + 20 && Math.max(y0, y1) > -20 && Math.min(y0, y1) < frame.height + 20;
          const length = Math.hypot(x1 - x0, y1 - y0);
          along += length;
          if (!seen) continue;
          if (to !== end) {
            const shade = drawn.shades[Math.max(0, Math.min(SHADES - 1, Math.floor(((now - to.ms) / span) * SHADES)))] as Path2D;
            shade.moveTo(x0, y0);
            shade.lineTo(x1, y1);
          }
          if (along >= ARROWS_PX && length > 6) {
            along = 0;
            arrow(drawn.arrows, (x0 + x1) / 2, (y0 + y1) / 2, Math.atan2(y1 - y0, x1 - x0));
          }
        }
      }
      if (own && frame.zoom >= DOTS_ZOOM) this.dots(drawn, trail, frame, px, py);
    }
    return drawn;
  }

  private dots(drawn: Drawn, trail: Trail, frame: Frame, px: (fix: Fix) => number, py: (fix: Fix) => number): void {
    let [lastX, lastY] = [-1e9, -1e9];
    for (const fix of trail.fixes) {
      const [x, y] = [px(fix), py(fix)];
      if (x < -9 || x > frame.width + 9 || y < -9 || y > frame.height + 9) continue;
      if (fix.reason !== "") {
        drawn.hidden.moveTo(x - 4, y - 4);
        drawn.hidden.lineTo(x + 4, y + 4);
        drawn.hidden.moveTo(x + 4, y - 4);
        drawn.hidden.lineTo(x - 4, y + 4);
      } else if (Math.hypot(x - lastX, y - lastY) >= DOTS_PX) {
        drawn.dots.moveTo(x + 3, y);
        drawn.dots.arc(x, y, 3, 0, 7);
        [lastX, lastY] = [x, y];
      }
    }
  }

  /** The fix of a drawn trail that is nearest to a point, within reach. */
  private nearest(at: At): { fix: Fix; name: string } | null {
    const { frame } = this.core;
    let best: { fix: Fix; name: string } | null = null;
    let near = PRESS_PX;
    const trails = [this.own, ...this.shown.map((key) => this.others.get(key))];
    for (const trail of trails) {
      if (trail == null || best !== null) continue;
      for (const fix of trail.fixes) {
        if (fix.reason !== "" && !(trail === this.own && this.showHidden.peek())) continue;
        const x = fix.x * frame.scale - frame.left;
        const off = Math.hypot((x - at.x) - Math.round((x - at.x) / frame.scale) * frame.scale, fix.y * frame.scale - frame.top - at.y);
        if (off < near) {
          near = off;
          best = { fix, name: trail.name };
        }
      }
    }
    return best;
  }

  pick(at: At, found: number[]): boolean {
    if (found.length > 0) return false;
    const one = this.nearest(at);
    if (one === null) return false;
    if (one.name !== this.own?.name) {
      const other = this.shown.map((key) => this.others.get(key)).find((trail) => trail?.fixes.includes(one.fix));
      this.page.open({ name: one.name, kind: KINDS[other?.kind ?? 0] ?? "station" });
      return true;
    }
    this.chosen.value = one;
    return true;
  }

  /** The packet of the selected station's fix under a point. */
  fixAt(at: At): Fix | null {
    const one = this.nearest(at);
    return one !== null && one.name === this.own?.name ? one.fix : null;
  }

  hover(at: At | null, found: number[]): boolean {
    return at !== null && found.length === 0 && this.nearest(at) !== null;
  }
}

/** Copies of the world in a frame; one more to the left, because a trail may go on beyond the date line. */
function copiesOf(frame: Frame): number[] {
  const list = copies(frame.left / frame.scale, (frame.left + frame.width) / frame.scale);
  return frame.zoom < 8 ? [(list[0] ?? 0) - 1, ...list, (list.at(-1) ?? 0) + 1] : list;
}

function arrow(path: Path2D, x: number, y: number, turn: number): void {
  for (const side of [-1, 1]) {
    path.moveTo(x + Math.cos(turn) * 5, y + Math.sin(turn) * 5);
    path.lineTo(x + Math.cos(turn + side * 2.2) * 9, y + Math.sin(turn + side * 2.2) * 9);
  }
}

function hash(text: string): number {
  let value = 7;
  for (let i = 0; i < text.length; i++) value = (value * 31 + text.charCodeAt(i)) >>> 0;
  return value;
}
