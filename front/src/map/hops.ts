/**
 * The radio path of a packet on the map: from its sender over the digipeaters that really carried it to the igate. Shown
 * while something points at the packet, or as long as it is held. Bounded: MOST_KEPT answers, one request at a time.
 */
import { signal } from "@preact/signals";
import type { Page } from "../ui/page";
import { visible } from "../ui/visible";
import { type Packet, type PacketHop, newestPacket, packet } from "./api";
import type { At, Core, Part } from "./core";
import { greatCircle } from "./geo";
import { toX, toY } from "./mercator";
import type { Frame } from "./overlay";
import type { Trails } from "./trails";

const MOST_KEPT = 60;
/** A pointer that only passes over asks for nothing; one that leaves for a moment loses nothing. */
const ASK_AFTER_MS = 60;
const FORGET_AFTER_MS = 150;
const DOT_PX = 7;

export type HopsState =
  | { kind: "none" }
  | { kind: "loading" }
  | { kind: "failed"; reason: string }
  | { kind: "loaded"; packet: Packet };

/** The hops that carried it: the sender, each digipeater that repeated it, and the igate. */
export function carried(one: Packet): PacketHop[] {
  return one.hops.filter((hop) => hop.used || hop.role !== "digipeater");
}

interface Placed {
  hop: PacketHop;
  x: number;
  y: number;
  lat: number;
  lng: number;
  /** A hop before it has no known position: the way there is not the way it went. */
  skipped: boolean;
}

export function placed(hops: readonly PacketHop[]): Placed[] {
  const found: Placed[] = [];
  let skipped = false;
  for (const hop of hops) {
    const { latitude: lat, longitude: lng } = hop;
    if (lat === undefined || lng === undefined || !Number.isFinite(lat) || !Number.isFinite(lng)) {
      skipped = true;
      continue;
    }
    const x = toX(lng);
    found.push({ hop, lat, lng, x: x + Math.round((found.at(-1)?.x ?? x) - x), y: toY(lat), skipped });
    skipped = false;
  }
  return found;
}

export class Hops implements Part {
  readonly state = signal<HopsState>({ kind: "none" });
  /** Held by a press rather than by the pointer. */
  readonly held = signal(false);

  private readonly core: Core;
  private readonly page: Page;
  private readonly trails: Trails;
  private readonly known = new Map<string, Packet>();
  private request = new AbortController();
  /** What the pointer is over: an id, "newest", or nothing. */
  private pointed = "";
  /** What is held is the newest packet, whichever that is. */
  private newest = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(core: Core, page: Page, trails: Trails) {
    this.core = core;
    this.page = page;
    this.trails = trails;
  }

  /** Shows the path of a packet, or of the newest of the selected station, until it is let go. */
  hold(id: string | null): void {
    clearTimeout(this.timer);
    this.held.value = true;
    this.newest = id === null;
    void this.show(id);
  }

  /** Another moment is shown: the newest packet may be another one. */
  again(): void {
    if (this.held.peek() && this.newest) this.hold(null);
  }

  /** Moves the map so that all of the path is seen. */
  fit(): void {
    const state = this.state.peek();
    if (state.kind === "loaded") this.page.fit(placed(carried(state.packet)));
  }

  drop(): void {
    clearTimeout(this.timer);
    this.request.abort();
    this.held.value = false;
    this.pointed = "";
    this.state.value = { kind: "none" };
    this.core.redraw();
  }

  private async show(id: string | null): Promise<void> {
    this.request.abort();
    const request = new AbortController();
    this.request = request;
    this.state.value = { kind: "loading" };
    try {
      const name = this.page.selection.peek()?.name ?? "";
      const wanted = id ?? this.trails.newestId() ?? (await newestPacket(name, this.page.moment.peek(), request.signal));
      if (request.signal.aborted) return;
      const found = wanted === null ? null : (this.known.get(wanted) ?? (await packet(wanted, request.signal)));
      if (request.signal.aborted) return;
      if (wanted === null || found === null) this.state.value = { kind: "none" };
      else {
        this.known.set(wanted, found);
        if (this.known.size > MOST_KEPT) this.known.delete(this.known.keys().next().value as string);
        this.state.value = { kind: "loaded", packet: found };
      }
    } catch (error) {
      if (request.signal.aborted) return;
      this.state.value = { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
    }
    this.core.redraw();
  }

  /** The pointer is over the selected symbol or a point of its trail: their packet's path, unless another is held. */
  hover(at: At | null, found: number[]): boolean {
    const over = at !== null && this.hopAt(at) !== null;
    if (this.held.peek()) return over;
    let wanted = "";
    if (at !== null && found.length > 0) wanted = found.includes(this.core.selected) ? "newest" : "";
    else if (at !== null) wanted = this.trails.fixAt(at)?.id ?? "";
    if (wanted === this.pointed || (wanted === "" && over)) return over;
    this.pointed = wanted;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (wanted === "") this.drop();
      else void this.show(wanted === "newest" ? null : wanted);
    }, wanted === "" ? FORGET_AFTER_MS : ASK_AFTER_MS);
    return over;
  }

  pick(at: At, found: number[]): boolean {
    const hop = found.length > 0 ? null : this.hopAt(at);
    if (hop === null || hop.role === "source") return false;
    this.page.open({ name: hop.callsign, kind: "station" });
    return true;
  }

  private hopAt(at: At): PacketHop | null {
    const state = this.state.peek();
    if (state.kind !== "loaded") return null;
    const { frame } = this.core;
    for (const { hop, x, y } of placed(carried(state.packet))) {
      const across = x * frame.scale - frame.left - at.x;
      const off = Math.hypot(across - Math.round(across / frame.scale) * frame.scale, y * frame.scale - frame.top - at.y);
      if (off <= DOT_PX + 6) return hop;
    }
    return null;
  }

  under(context: CanvasRenderingContext2D, frame: Frame): void {
    const state = this.state.peek();
    if (state.kind !== "loaded") return;
    const stops = placed(carried(state.packet));
    const middle = (frame.left + frame.width / 2) / frame.scale;
    const copy = Math.round(middle - (stops[0]?.x ?? middle));
    const at = (x: number, y: number) => [(x + copy) * frame.scale - frame.left, y * frame.scale - frame.top] as const;
    context.lineJoin = "round";
    context.lineCap = "round";
    for (let i = 1; i < stops.length; i++) {
      const [from, to] = [stops[i - 1] as Placed, stops[i] as Placed];
      const path = new Path2D();
      let x = from.x;
      greatCircle(from, to).forEach((point, n) => {
        x = toX(point.lng) + Math.round(x - toX(point.lng));
        const [px, py] = at(x, toY(point.lat));
        if (n === 0) path.moveTo(px, py);
        else path.lineTo(px, py);
      });
      context.setLineDash([]);
      context.lineWidth = 6;
      context.strokeStyle = this.core.theme.halo;
      context.stroke(path);
      if (to.skipped) context.setLineDash([2, 7]);
      else if (i > 1) context.setLineDash([9, 6]);
      context.lineWidth = 3;
      context.strokeStyle = this.core.theme.path;
      context.stroke(path);
    }
    context.setLineDash([]);
    for (const stop of stops) {
      const [x, y] = at(stop.x, stop.y);
      context.beginPath();
      context.arc(x, y, DOT_PX, 0, 7);
      context.fillStyle = this.core.theme.labelGround;
      context.fill();
      context.lineWidth = 3;
      context.strokeStyle = this.core.theme.path;
      context.stroke();
    }
  }

  over(context: CanvasRenderingContext2D, frame: Frame): void {
    const state = this.state.peek();
    if (state.kind !== "loaded") return;
    const { theme } = this.core;
    context.font = "650 12px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "center";
    placed(carried(state.packet)).forEach(({ hop, x, y }, i) => {
      if (i === 0) return;
      const across = x * frame.scale - frame.left;
      const px = across - Math.round((across - frame.width / 2) / frame.scale) * frame.scale;
      const py = y * frame.scale - frame.top - 20;
      const half = context.measureText(visible(hop.callsign)).width / 2 + 6;
      context.beginPath();
      context.roundRect(px - half, py - 9, half * 2, 18, 9);
      context.fillStyle = theme.path;
      context.fill();
      context.fillStyle = theme.pathText;
      context.fillText(visible(hop.callsign), px, py + 0.5);
    });
    context.textAlign = "start";
  }
}
