/**
 * The world at a moment of the past, as the map draws it: filled by key frames and events, entities on their way between
 * two fixes moved with the clock of the player. An entity is known by kind and name.
 */
import { Columns } from "../live/world";
import type { DensityCell, LiveWorld } from "../live/types";
import { type Block, GONE, type KeyFrame, QUIET } from "./blocks";

/** What is not told of for so long is quiet, seconds (docs/protocol.md). */
const QUIET_S = 2400;
/** Farther than this, as part of the world's width (about 75 km at 50° N), an entity jumps. */
const GLIDE_LIMIT = 0.003;

/** Around the earth, km. */
const AROUND_KM = 40_075;

/** Course and speed of a way, where they are not told. */
function reckon(event: Event, fromX: number, fromY: number): void {
  const [east, south] = [event.x - fromX, event.y - fromY];
  const hours = (event.atS - event.beginS) / 3600;
  if ((east === 0 && south === 0) || hours <= 0) return;
  // What is a degree on the map shrinks with the latitude.
  const km = Math.hypot(east, south) * AROUND_KM / Math.cosh(Math.PI * (1 - event.y - fromY));
  event.what = Math.round((Math.atan2(east, -south) * 90) / Math.PI + 180) % 180;
  event.speed = Math.min(254, Math.max(1, Math.round(km / hours)));
}

/** One event of an entity, in seconds since 1970. */
export interface Event {
  slot: number;
  what: number;
  /** When the way to it begins; the event's own time where it jumps. */
  beginS: number;
  atS: number;
  x: number;
  y: number;
  speed: number;
}

interface Glide {
  event: Event;
  /** NaN: it jumps when the time has come. */
  fromX: number;
  fromY: number;
}

export class PastWorld implements LiveWorld {
  readonly entities = new Columns();
  density: readonly DensityCell[] = [];
  private readonly slots = new Map<string, number>();
  private readonly keys: string[] = [];
  private readonly glides = new Map<number, Glide>();
  private readonly listeners = new Set<() => void>();
  /** Time of the last fix told of, and whether the entity is quiet. */
  private lastS = new Float64Array(0);
  private quiet = new Uint8Array(0);

  get size(): number {
    return this.slots.size;
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells the map. */
  announce(): void {
    for (const listener of this.listeners) listener();
  }

  clear(): void {
    for (const slot of this.slots.values()) this.entities.release(slot);
    this.slots.clear();
    this.glides.clear();
    this.density = [];
  }

  /** The slot of an entity, taken for it if it has none; it is not shown before its first fix. */
  slotOf(kind: number, name: string): number {
    const key = `${kind}${name}`;
    const known = this.slots.get(key);
    if (known !== undefined) return known;
    const slot = this.entities.take();
    this.slots.set(key, slot);
    this.keys[slot] = key;
    this.entities.present[slot] = 0;
    this.entities.names[slot] = name;
    if (this.lastS.length < this.entities.present.length) {
      const [lastS, quiet] = [new Float64Array(this.entities.present.length), new Uint8Array(this.entities.present.length)];
      lastS.set(this.lastS);
      quiet.set(this.quiet);
      [this.lastS, this.quiet] = [lastS, quiet];
    }
    return slot;
  }

  look(slot: number, table: number, code: number, flags: number): void {
    this.entities.symbolTable[slot] = table;
    this.entities.symbolCode[slot] = code;
    this.entities.flags[slot] = flags;
  }

  applyKey(key: KeyFrame, startS: number): void {
    for (let i = 0; i < key.count; i++) {
      const slot = this.slotOf((key.flags[i] as number) & 3, key.names[i] as string);
      const ageS = (key.ageMin[i] as number) * 60;
      this.look(slot, key.symbolTable[i] as number, key.symbolCode[i] as number, key.flags[i] as number);
      this.fix({
        slot, what: key.course[i] as number, beginS: startS, atS: startS - ageS, x: key.x[i] as number, y: key.y[i] as number, speed: key.speed[i] as number,
      });
      this.quiet[slot] = ageS >= QUIET_S ? 1 : 0;
    }
  }

  applyDensity({ tile, grid, cells }: Block): void {
    const side = 2 ** tile.level;
    this.density = cells.map(({ cell, entities }) => ({
      x: (tile.x + ((cell % grid) + 0.5) / grid) / side, y: (tile.y + (Math.floor(cell / grid) + 0.5) / grid) / side, entities,
    }));
  }

  /** An event whose way begins: it happens at once unless its time is still to come. */
  begin(event: Event, nowS: number): void {
    const { entities } = this;
    const before = this.glides.get(event.slot);
    if (before !== undefined) this.fix(before.event);
    const fromX = entities.x[event.slot] as number;
    const fromY = entities.y[event.slot] as number;
    const near = entities.present[event.slot] === 1 && Math.hypot(event.x - fromX, event.y - fromY) <= GLIDE_LIMIT;
    if (event.what === GONE) this.drop(event.slot);
    else if (event.what === QUIET) this.quiet[event.slot] = entities.present[event.slot] as number;
    else if (event.atS <= nowS) this.fix(event);
    else if (!near) this.glides.set(event.slot, { event, fromX: Number.NaN, fromY: Number.NaN });
    else {
      this.glides.set(event.slot, { event, fromX, fromY });
      if (event.what === 255) reckon(event, fromX, fromY);
      this.turn(event);
      entities.speedKmh[event.slot] = event.speed === 255 ? Number.NaN : event.speed;
    }
  }

  /** Moves whoever is on its way to where it is at this time. */
  move(nowS: number): void {
    const { entities } = this;
    for (const [slot, { event, fromX, fromY }] of this.glides) {
      if (event.atS <= nowS) {
        this.fix(event);
        continue;
      }
      if (Number.isNaN(fromX)) continue;
      const part = Math.max(0, (nowS - event.beginS) / (event.atS - event.beginS));
      this.put(slot, fromX + (event.x - fromX) * part, fromY + (event.y - fromY) * part);
      this.lastS[slot] = nowS;
      this.quiet[slot] = 0;
      entities.touch(slot);
    }
  }

  /** Ages by the page's own clock, which the map and the lists compare with: `nowS` is the time that is shown. */
  age(nowS: number): void {
    const { entities } = this;
    const pageS = Date.now() / 1000;
    for (const slot of this.slots.values()) {
      const silentS = Math.max(0, nowS - (this.lastS[slot] as number));
      // Who rests is told of only when it falls quiet; who moves, with each move.
      const ageS = this.quiet[slot] === 1 || (entities.speedKmh[slot] as number) > 0 ? silentS : 0;
      entities.heardS[slot] = Math.floor(pageS - ageS);
    }
  }

  /** Lets go whoever is where nobody tells of it any more. */
  keep(inside: (x: number, y: number) => boolean): void {
    const { x, y } = this.entities;
    for (const slot of this.slots.values()) {
      if (this.entities.present[slot] === 1 && !inside(x[slot] as number, y[slot] as number) && !this.glides.has(slot)) this.drop(slot);
    }
  }

  private drop(slot: number): void {
    this.glides.delete(slot);
    if (this.entities.present[slot] === 0) return;
    // The slot stays its own: events to come know it by its number.
    this.entities.present[slot] = 0;
    this.entities.touch(slot);
  }

  private fix(event: Event): void {
    const { slot } = event;
    this.glides.delete(slot);
    this.put(slot, event.x, event.y);
    this.turn(event);
    this.entities.present[slot] = 1;
    this.entities.speedKmh[slot] = event.speed === 255 ? Number.NaN : event.speed;
    this.lastS[slot] = event.atS;
    this.quiet[slot] = 0;
    this.entities.heardS[slot] = Math.floor(Date.now() / 1000);
    this.entities.touch(slot);
  }

  private put(slot: number, x: number, y: number): void {
    const { entities } = this;
    entities.x[slot] = x;
    entities.y[slot] = y;
    entities.fromX[slot] = x;
    entities.fromY[slot] = y;
    entities.movedAtMs[slot] = 0;
  }

  private turn({ slot, what }: Event): void {
    this.entities.courseDeg[slot] = what > 180 ? 0xffff : what * 2;
  }
}
