/**
 * All entities that the stream has told of, in columns. Owns identity (id to slot), which tile told of what, and the
 * motion columns. Bounded by the tiles held: a tile no longer wanted is let go after a while with all it alone knew.
 */
import { GLIDE_LIMIT, glide } from "./motion";
import { tileKey } from "./tiles";
import type { DensityCell, EntityColumns, LiveWorld } from "./types";
import type { Batch, DeltaFrame, DensityFrame, SnapshotFrame, TileId } from "./wire";

/** Changes remembered for `changedSince`; a power of two. */
const LOG_SIZE = 32768;
/** A fix this much older than the one known does not move an entity: ages come in steps of 2 s, twice rounded. */
const OLDER_BY_S = 5;
const UNKNOWN_AGE_S = 65535 * 2;

interface HeldTile {
  tile: TileId;
  seq: number;
  /** Ids that the tile holds as far as the page knows. */
  ids: Set<number>;
  wanted: boolean;
  unwantedAtMs: number;
}

/** The columns and their growth; the world that owns them alone writes. */
export class Columns implements EntityColumns {
  length = 0;
  version = 0;
  present = new Uint8Array(0);
  x = new Float64Array(0);
  y = new Float64Array(0);
  fromX = new Float64Array(0);
  fromY = new Float64Array(0);
  movedAtMs = new Float64Array(0);
  symbolTable = new Uint8Array(0);
  symbolCode = new Uint8Array(0);
  courseDeg = new Uint16Array(0);
  speedKmh = new Float32Array(0);
  rangeKm = new Float32Array(0);
  intervalS = new Uint16Array(0);
  heardS = new Uint32Array(0);
  flags = new Uint8Array(0);
  /** Key of the tile that told of it last, and that tile's level. */
  tile = new Float64Array(0);
  id = new Uint32Array(0);
  names: string[] = [];
  private readonly free: number[] = [];
  private readonly log = new Uint32Array(LOG_SIZE);

  name(slot: number): string {
    return this.names[slot] ?? "";
  }

  changedSince(version: number): Iterable<number> | null {
    const missed = this.version - version;
    if (missed < 0 || missed > LOG_SIZE) return null;
    const slots = new Set<number>();
    for (let v = version; v < this.version; v++) slots.add(this.log[v % LOG_SIZE] as number);
    return slots;
  }

  touch(slot: number): void {
    this.log[this.version % LOG_SIZE] = slot;
    this.version++;
  }

  take(): number {
    const reused = this.free.pop();
    if (reused !== undefined) return reused;
    if (this.length === this.present.length) this.grow();
    return this.length++;
  }

  release(slot: number): void {
    this.present[slot] = 0;
    this.names[slot] = "";
    this.free.push(slot);
    this.touch(slot);
  }

  private grow(): void {
    const size = Math.max(1024, this.present.length * 2);
    const wider = <T extends { set(from: T): void }>(column: T, make: new (size: number) => T): T => {
      const grown = new make(size);
      grown.set(column);
      return grown;
    };
    this.present = wider(this.present, Uint8Array);
    this.x = wider(this.x, Float64Array);
    this.y = wider(this.y, Float64Array);
    this.fromX = wider(this.fromX, Float64Array);
    this.fromY = wider(this.fromY, Float64Array);
    this.movedAtMs = wider(this.movedAtMs, Float64Array);
    this.symbolTable = wider(this.symbolTable, Uint8Array);
    this.symbolCode = wider(this.symbolCode, Uint8Array);
    this.courseDeg = wider(this.courseDeg, Uint16Array);
    this.speedKmh = wider(this.speedKmh, Float32Array);
    this.rangeKm = wider(this.rangeKm, Float32Array);
    this.intervalS = wider(this.intervalS, Uint16Array);
    this.heardS = wider(this.heardS, Uint32Array);
    this.flags = wider(this.flags, Uint8Array);
    this.tile = wider(this.tile, Float64Array);
    this.id = wider(this.id, Uint32Array);
  }
}

/** Runs a function before the next picture; a hidden page draws none, and then nothing needs to know either. */
export type FrameScheduler = (run: () => void) => void;

export class World implements LiveWorld {
  readonly entities = new Columns();
  private readonly slots = new Map<number, number>();
  private readonly tiles = new Map<number, HeldTile>();
  private readonly listeners = new Set<() => void>();
  private readonly schedule: FrameScheduler;
  private readonly now: () => number;
  private cells: DensityCell[] = [];
  private densityKey = -1;
  private wantedKeys = new Set<number>();
  /** Ids taken out by the message at hand; one that another tile of the same message tells of stays. */
  private readonly leaving = new Set<number>();
  private resetAtNextTile = false;
  private told = false;

  constructor(
    schedule: FrameScheduler = (run) => requestAnimationFrame(run),
    now: () => number = () => performance.now(),
  ) {
    this.schedule = schedule;
    this.now = now;
  }

  get density(): readonly DensityCell[] {
    return this.wantedKeys.has(this.densityKey) ? this.cells : [];
  }

  get size(): number {
    return this.slots.size;
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The slot of an entity by its name as shown and its kind (0 station, 1 object, 2 item); null when not on the map. */
  find(name: string, kind?: number): number | null {
    const { names, present, flags, length } = this.entities;
    for (let slot = 0; slot < length; slot++) {
      if (present[slot] && names[slot] === name && (kind === undefined || ((flags[slot] as number) & 3) === kind)) {
        return slot;
      }
    }
    return null;
  }

  /** Last sequence number known of a tile; undefined when the page holds nothing of it. */
  seqOf(tile: TileId): number | undefined {
    return this.resetAtNextTile ? undefined : this.tiles.get(tileKey(tile))?.seq;
  }

  /** Ids and sequence numbers lost their meaning. What is drawn stays until the first tile of the new epoch is there. */
  beginEpoch(): void {
    this.resetAtNextTile = true;
  }

  /** Says which tiles are followed now; others keep their entities until `dropUnwanted`. */
  setWanted(wanted: readonly TileId[]): void {
    const before = this.wantedKeys;
    this.wantedKeys = new Set(wanted.map(tileKey));
    for (const [key, held] of this.tiles) {
      const now = this.wantedKeys.has(key);
      if (held.wanted && !now) held.unwantedAtMs = this.now();
      held.wanted = now;
    }
    if (before.has(this.densityKey) !== this.wantedKeys.has(this.densityKey)) this.announce();
  }

  /** Lets go of tiles that have been unwanted for `ms`, and of all that no other tile knows. */
  dropUnwanted(ms: number): void {
    const limit = this.now() - ms;
    for (const [key, held] of this.tiles) {
      if (held.wanted || held.unwantedAtMs > limit) continue;
      this.tiles.delete(key);
      if (key === this.densityKey) this.cells = [];
      for (const id of held.ids) this.leaving.add(id);
    }
    if (this.leaving.size === 0) return;
    this.settle(() => this.tiles.values());
    this.announce();
  }

  applySnapshot(frame: SnapshotFrame): void {
    const held = this.hold(frame.tile);
    held.seq = frame.seq;
    const before = held.ids;
    held.ids = new Set();
    this.applyBatch(held, frame.batch);
    for (const id of before) if (!held.ids.has(id)) this.leaving.add(id);
  }

  /** False when the delta does not follow what the page has of the tile: it must be asked for again. */
  applyDelta(frame: DeltaFrame): boolean {
    const held = this.resetAtNextTile ? undefined : this.tiles.get(tileKey(frame.tile));
    if (held === undefined) return false;
    if (frame.fromSeq !== held.seq) return frame.toSeq <= held.seq;
    held.seq = frame.toSeq;
    this.applyBatch(held, frame.batch);
    const key = tileKey(held.tile);
    for (const id of frame.batch.removed) {
      held.ids.delete(id);
      const slot = this.slots.get(id);
      if (slot === undefined) continue;
      // Moved to a neighbour that told of it already: stays. A tile no longer followed has no say.
      const teller = this.entities.tile[slot] as number;
      if (teller === key || !this.tiles.get(teller)?.wanted) this.leaving.add(id);
    }
    return true;
  }

  applyDensity(frame: DensityFrame): void {
    const held = this.hold(frame.tile);
    held.seq = frame.seq;
    this.densityKey = tileKey(frame.tile);
    const side = 2 ** frame.tile.level;
    this.cells = Array.from(frame.cells, (cell, i) => ({
      x: (frame.tile.x + ((cell % frame.grid) + 0.5) / frame.grid) / side,
      y: (frame.tile.y + (Math.floor(cell / frame.grid) + 0.5) / frame.grid) / side,
      entities: frame.entities[i] as number,
    }));
  }

  /** The message is applied to its end: entities that no followed tile holds go, and listeners learn of it all. */
  endMessage(): void {
    this.settle(() => [...this.tiles.values()].filter((held) => held.wanted));
    this.announce();
  }

  private announce(): void {
    if (this.told) return;
    this.told = true;
    this.schedule(() => {
      this.told = false;
      for (const listener of this.listeners) listener();
    });
  }

  private hold(tile: TileId): HeldTile {
    if (this.resetAtNextTile) this.reset();
    const key = tileKey(tile);
    let held = this.tiles.get(key);
    if (held === undefined) {
      held = { tile, seq: 0, ids: new Set(), wanted: this.wantedKeys.has(key), unwantedAtMs: this.now() };
      this.tiles.set(key, held);
    }
    return held;
  }

  private reset(): void {
    this.resetAtNextTile = false;
    for (const slot of this.slots.values()) this.entities.release(slot);
    this.slots.clear();
    this.tiles.clear();
    this.leaving.clear();
    this.cells = [];
    this.densityKey = -1;
  }

  /** Takes out the ids that left unless one of the tiles still holds them. */
  private settle(holders: () => Iterable<HeldTile>): void {
    if (this.leaving.size === 0) return;
    const tiles = [...holders()];
    for (const id of this.leaving) {
      const slot = this.slots.get(id);
      if (slot === undefined || tiles.some((held) => held.ids.has(id))) continue;
      this.slots.delete(id);
      this.entities.release(slot);
    }
    this.leaving.clear();
  }

  private applyBatch(held: HeldTile, batch: Batch): void {
    const side = 2 ** held.tile.level;
    const key = tileKey(held.tile);
    const now = this.now();
    for (let i = 0; i < batch.count; i++) {
      const id = batch.ids[i] as number;
      const x = (held.tile.x + (batch.x[i] as number) / 65536) / side;
      const y = (held.tile.y + (batch.y[i] as number) / 65536) / side;
      const age = batch.age[i] as number;
      const heardS = Math.max(0, batch.baseTimeS - (age === 65535 ? UNKNOWN_AGE_S : 2 * age));
      held.ids.add(id);
      let slot = this.slots.get(id);
      if (slot === undefined) {
        slot = this.add(id, x, y, heardS);
      } else {
        this.move(slot, x, y, heardS, key, now);
      }
      this.describe(slot, batch, i);
      this.entities.tile[slot] = key;
      this.entities.touch(slot);
    }
  }

  private add(id: number, x: number, y: number, heardS: number): number {
    const to = this.entities;
    const slot = to.take();
    this.slots.set(id, slot);
    to.id[slot] = id;
    to.present[slot] = 1;
    to.x[slot] = x;
    to.y[slot] = y;
    to.fromX[slot] = x;
    to.fromY[slot] = y;
    to.movedAtMs[slot] = 0;
    to.heardS[slot] = heardS;
    return slot;
  }

  private move(slot: number, x: number, y: number, heardS: number, key: number, now: number): void {
    const to = this.entities;
    const known = to.heardS[slot] as number;
    if (heardS + OLDER_BY_S < known) return;
    to.heardS[slot] = Math.max(known, heardS);
    const oldX = to.x[slot] as number;
    const oldY = to.y[slot] as number;
    if (x === oldX && y === oldY) return;
    to.x[slot] = x;
    to.y[slot] = y;
    // The same fix by a coarser or finer tile differs by its rounding only: a glide would be a twitch.
    const levels = Math.min(levelOf(key), levelOf(to.tile[slot] as number));
    const rounding = levelOf(key) === levelOf(to.tile[slot] as number) ? 0 : 2 / 65536 / 2 ** levels;
    const far = Math.hypot(x - oldX, y - oldY);
    if (far <= rounding || far > GLIDE_LIMIT) {
      to.fromX[slot] = x;
      to.fromY[slot] = y;
      return;
    }
    const done = glide(to.movedAtMs[slot] as number, now);
    to.fromX[slot] = (to.fromX[slot] as number) + (oldX - (to.fromX[slot] as number)) * done;
    to.fromY[slot] = (to.fromY[slot] as number) + (oldY - (to.fromY[slot] as number)) * done;
    to.movedAtMs[slot] = now;
  }

  private describe(slot: number, batch: Batch, i: number): void {
    const to = this.entities;
    const course = batch.course[i] as number;
    const speed = batch.speed[i] as number;
    to.symbolTable[slot] = batch.symbolTable[i] as number;
    to.symbolCode[slot] = batch.symbolCode[i] as number;
    to.courseDeg[slot] = course > 180 ? 0xffff : course * 2;
    to.speedKmh[slot] = speed === 65535 ? Number.NaN : speed / 10;
    to.rangeKm[slot] = (batch.range[i] as number) / 10;
    to.intervalS[slot] = (batch.interval[i] as number) * 30;
    to.flags[slot] = batch.flags[i] as number;
    to.names[slot] = batch.names[i] ?? "";
  }
}

function levelOf(key: number): number {
  return Math.floor(key / 2 ** 32);
}
