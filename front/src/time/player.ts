/**
 * Plays the past: a clock, the tiles of the view, and what happens in them. Blocks come ahead of the clock; where they do
 * not, the clock waits. Bounded: of each tile the span at hand and a few to come.
 */
import { type Signal, signal } from "@preact/signals";
import { tileKey, tilesForView } from "../live/tiles";
import type { MapView } from "../live/types";
import type { TileId } from "../live/wire";
import { BLOCK_S, type Block, HOUR_BLOCKS, type Part, ends, fetchBlock } from "./blocks";
import { type Event, PastWorld } from "./world";

/** Times the speed of life. */
export const SPEEDS = [1, 10, 60, 600, 3600] as const;
export type Speed = (typeof SPEEDS)[number];

/** From this speed on hours come instead of blocks. */
const HOURS_FROM = 600;
/** The way between two fixes is gone in so many seconds at most, in a block and in an hour: before, it stood. */
const GLIDE_S = 300;
const HOUR_GLIDE_S = 600;
/** What is fetched ahead: so many seconds of playing, but at least the next span. */
const AHEAD_REAL_S = 5;
/** A picture that took longer is not made up for: a tab that was hidden goes on where it stood. */
const LONGEST_FRAME_S = 0.25;
const AGE_EVERY_MS = 500;
/** A fetch that failed is tried again after this. */
const RETRY_MS = 3000;
/** More names than this and the world is made anew. */
const MOST_NAMES = 150_000;

interface Track {
  tile: TileId;
  /** Events to come, by the time their way begins; those before `next` have begun. */
  events: Event[];
  next: number;
  cells: { fromS: number; block: Block }[];
  /** Everything before this is here, seconds since 1970. */
  untilS: number;
  loading: boolean;
}

export class Player {
  readonly world = new PastWorld();
  /** The moment that is shown, ms since 1970; changes with each picture while it plays. */
  readonly nowMs: Signal<number>;
  readonly playing: Signal<boolean> = signal(false);
  readonly speed: Signal<Speed> = signal(60);
  /** A moment is on its way, or the clock waits for a block. */
  readonly waiting: Signal<boolean> = signal(true);
  readonly failed: Signal<string> = signal("");
  /** Motion between fixes is shown. */
  smooth = true;
  /** The end of what there is, ms since 1970. */
  endMs: () => number = () => Date.now();
  /** Called when playing reaches the end. */
  onEnd: () => void = () => {};

  private tracks = new Map<number, Track>();
  private level = -1;
  private view: MapView | null = null;
  private abort = new AbortController();
  private frame = 0;
  private frameAt = 0;
  private aged = 0;
  private block = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(atMs: number) {
    this.nowMs = signal(atMs);
  }

  get nowS(): number {
    return this.nowMs.peek() / 1000;
  }

  stop(): void {
    this.playing.value = false;
    this.abort.abort();
    clearTimeout(this.retry);
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }

  /** Shows another moment. What is seen stays until that one is here. */
  seek(ms: number): void {
    this.nowMs.value = ms;
    void this.load();
  }

  play(on: boolean): void {
    this.playing.value = on;
    if (on && this.frame === 0) {
      this.frameAt = performance.now();
      this.frame = requestAnimationFrame(this.tick);
    }
  }

  /** Follows the map. */
  setView(view: MapView): void {
    this.view = view;
    const tiles = tilesForView(view);
    const level = tiles[0]?.level ?? -1;
    if (level !== this.level) {
      void this.load();
      return;
    }
    const wanted = new Set(tiles.map(tileKey));
    for (const key of this.tracks.keys()) if (!wanted.has(key)) this.tracks.delete(key);
    const fresh = tiles.filter((tile) => !this.tracks.has(tileKey(tile)));
    if (fresh.length > 0) void this.add(fresh, false);
  }

  private async load(): Promise<void> {
    if (this.view === null) return;
    const tiles = tilesForView(this.view);
    this.abort.abort();
    this.abort = new AbortController();
    this.level = tiles[0]?.level ?? -1;
    await this.add(tiles, true);
  }

  /** Gets tiles as they are now; `anew`: instead of all that is shown. */
  private async add(tiles: TileId[], anew: boolean): Promise<void> {
    const { signal: stop } = this.abort;
    clearTimeout(this.retry);
    if (anew) this.waiting.value = true;
    const block = Math.floor(this.nowS / BLOCK_S);
    try {
      const blocks = await Promise.all(tiles.map((tile) => fetchBlock(tile, block, "", stop)));
      if (stop.aborted) return;
      this.failed.value = "";
      if (anew) {
        this.world.clear();
        this.tracks.clear();
        this.block = block;
      }
      for (const one of blocks) {
        const track: Track = { tile: one.tile, events: [], next: 0, cells: [], untilS: block * BLOCK_S, loading: false };
        this.tracks.set(tileKey(one.tile), track);
        if (one.key !== null) this.world.applyKey(one.key, block * BLOCK_S);
        this.take(track, one, 0);
      }
      if (anew) this.waiting.value = false;
      this.advance();
    } catch (error) {
      if (stop.aborted) return;
      this.failed.value = error instanceof Error ? error.message : String(error);
      this.retry = setTimeout(() => void this.load(), RETRY_MS);
    }
  }

  /** Takes what happens in a span of a tile, from a second on: what was here already must not happen twice. */
  private take(track: Track, block: Block, fromS: number): void {
    const startS = block.block * BLOCK_S;
    if (block.moves === null) track.cells.push({ fromS: startS, block });
    else {
      track.events = [...track.events.slice(track.next), ...this.eventsOf(block, startS).filter((event) => event.atS >= fromS)];
      track.next = 0;
    }
    track.untilS = block.coveredS < block.spanS ? startS + block.coveredS : startS + block.spanS;
  }

  private eventsOf(block: Block, startS: number): Event[] {
    const { moves } = block;
    const events: Event[] = [];
    if (moves === null) return events;
    const glideS = block.spanS > BLOCK_S ? HOUR_GLIDE_S : GLIDE_S;
    let at = 0;
    for (let i = 0; i < moves.count; i++) {
      const slot = this.world.slotOf((moves.flags[i] as number) & 3, moves.names[i] as string);
      this.world.look(slot, moves.symbolTable[i] as number, moves.symbolCode[i] as number, moves.flags[i] as number);
      let beforeS = startS;
      for (const end = at + (moves.events[i] as number); at < end; at++) {
        const what = moves.what[at] as number;
        const atS = startS + (moves.atS[at] as number);
        const beginS = ends(what) || !this.smooth ? atS : Math.max(beforeS, atS - glideS);
        events.push({ slot, what, beginS, atS, x: moves.x[at] as number, y: moves.y[at] as number, speed: moves.speed[at] as number });
        beforeS = atS;
      }
    }
    return events.sort((a, b) => a.beginS - b.beginS || a.atS - b.atS);
  }

  private readonly tick = (at: number): void => {
    this.frame = 0;
    if (!this.playing.peek()) return;
    const passed = Math.min(LONGEST_FRAME_S, Math.max(0, (at - this.frameAt) / 1000));
    this.frameAt = at;
    this.frame = requestAnimationFrame(this.tick);
    if (this.tracks.size === 0) return;
    const here = Math.min(...Array.from(this.tracks.values(), (track) => track.untilS));
    const wanted = this.nowS + passed * this.speed.peek();
    if (wanted * 1000 >= this.endMs()) {
      this.playing.value = false;
      this.onEnd();
      return;
    }
    this.waiting.value = wanted > here;
    this.nowMs.value = Math.max(this.nowS, Math.min(wanted, here)) * 1000;
    this.advance();
  };

  /** Brings the world to the clock, and gets what comes next. */
  private advance(): void {
    const nowS = this.nowS;
    for (const track of this.tracks.values()) {
      for (let event = track.events[track.next]; event !== undefined && event.beginS <= nowS; event = track.events[track.next]) {
        this.world.begin(event, nowS);
        track.next++;
      }
      while (track.cells.length > 1 && (track.cells[1]?.fromS ?? 0) <= nowS) track.cells.shift();
      if (track.cells[0] !== undefined) this.world.applyDensity(track.cells[0].block);
      this.fetchNext(track);
    }
    this.world.move(nowS);
    const block = Math.floor(nowS / BLOCK_S);
    if (block !== this.block) this.cross(block);
    if (performance.now() - this.aged > AGE_EVERY_MS) {
      this.aged = performance.now();
      this.world.age(nowS);
    }
    this.world.announce();
  }

  /** A block has ended: who left the tiles is no longer told of. */
  private cross(block: number): void {
    this.block = block;
    if (this.level > 0) {
      const side = 2 ** this.level;
      this.world.keep((x, y) => this.tracks.has(tileKey({ level: this.level, x: Math.floor(x * side), y: Math.floor(y * side) })));
    }
    if (this.world.size > MOST_NAMES) void this.load();
  }

  private fetchNext(track: Track): void {
    const speed = this.speed.peek();
    const ahead = Math.max(BLOCK_S, speed * AHEAD_REAL_S);
    if (!this.playing.peek() || track.loading || track.untilS - this.nowS > ahead) return;
    const block = Math.floor(track.untilS / BLOCK_S);
    // An answer that did not reach the end of its span goes on when there is more of it.
    const whole = track.untilS % BLOCK_S === 0;
    const endS = this.endMs() / 1000;
    if (!whole && endS - track.untilS < 15) return;
    const hour = speed >= HOURS_FROM && whole && block % HOUR_BLOCKS === 0 && (block + HOUR_BLOCKS) * BLOCK_S <= endS;
    const part: Part = track.tile.level === 0 ? "" : hour ? "/hour" : "/moves";
    if (block * BLOCK_S >= endS) return;
    track.loading = true;
    const { signal: stop } = this.abort;
    fetchBlock(track.tile, block, part, stop).then(
      (read) => {
        track.loading = false;
        if (stop.aborted) return;
        this.take(track, read, track.untilS);
        // At level 0 a picture an hour is enough for fast playing.
        if (part === "" && hour) track.untilS = (block + HOUR_BLOCKS) * BLOCK_S;
        this.failed.value = "";
      },
      (error: unknown) => {
        if (stop.aborted) return;
        this.failed.value = error instanceof Error ? error.message : String(error);
        setTimeout(() => {
          track.loading = false;
          if (!stop.aborted) this.failed.value = "";
        }, RETRY_MS);
      },
    );
  }
}
