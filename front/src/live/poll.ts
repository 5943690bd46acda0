/**
 * The live map without a WebSocket: asks for the same tiles over plain HTTP (docs/protocol.md) and applies what comes
 * just as the stream does, so that one can take over from the other in the middle. Loaded when sockets do not get through.
 * Bounded: at most AT_ONCE requests, one round at a time, and none while the page is hidden.
 */
import { tileKey } from "./tiles";
import { type Frame, type HelloFrame, MAX_INFLATED_BYTES, type TileId, WireVersionError, decodeMessage } from "./wire";

const AT_ONCE = 4;
/** From one round to the next, by level: as often as it is worth while, a good deal slower than the server's ticks. */
const EVERY_MS: Readonly<Record<number, number>> = { 0: 6000, 3: 5000, 5: 4000 };
const CLOSE_BY_MS = 3000;
/** Each wait is longer or shorter by up to this part: viewers that began together do not stay together. */
const JITTER = 0.15;
const LATEST_MS = 20_000;
/** Rounds that may fail before nobody is there. */
const MOST_FAILED = 2;
/** Behind a balancer answers may come from several servers, whose numbers are not the same: one is followed, until it
 * has been silent for so many rounds. */
const SILENT_ROUNDS = 3;

/** What polling needs of the stream that it stands in for. */
export interface Host {
  tiles(): readonly TileId[];
  /** The epoch that is followed; empty when there is none. */
  epoch(): string;
  seqOf(tile: TileId): number | undefined;
  /** Frames of one or more answers, in their order. Throws what is not to be tried again. */
  apply(frames: Frame[]): void;
  /** A round went well. */
  good(): void;
  /** The server is not to be reached, or speaks another version: polling has ended. */
  ended(error: unknown): void;
}

export class Polling {
  private readonly host: Host;
  private readonly base: string;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private request: AbortController | null = null;
  /** When each tile was last answered, by performance.now(). */
  private answeredMs = new Map<number, number>();
  private worked = false;
  private failed = 0;
  private silent = 0;
  private over = false;

  constructor(host: Host, base: string) {
    this.host = host;
    this.base = base;
  }

  /** Asks now: at the beginning, when the view moved, when the page is seen again. A round under way is finished first. */
  wake(): void {
    if (this.over || this.request !== null) return;
    clearTimeout(this.timer);
    void this.round();
  }

  stop(): void {
    this.over = true;
    clearTimeout(this.timer);
    this.request?.abort();
  }

  private async round(): Promise<void> {
    const asked = [...this.host.tiles()];
    if (document.visibilityState === "hidden" || asked.length === 0) return;
    const request = new AbortController();
    this.request = request;
    const late = setTimeout(() => request.abort(), LATEST_MS);
    const everyMs = EVERY_MS[asked[0]?.level ?? 0] ?? CLOSE_BY_MS;
    this.answeredMs = new Map(asked.map(tileKey).map((key) => [key, this.answeredMs.get(key) ?? Number.NEGATIVE_INFINITY]));
    // A moved map asks at once, but only for what is new in it.
    const waiting = asked.filter((tile) => performance.now() - (this.answeredMs.get(tileKey(tile)) as number) > everyMs / 2);
    const all = waiting.length === asked.length;
    const others: Frame[] = [];
    let known = false;
    try {
      const ask = async () => {
        for (let tile = waiting.shift(); tile !== undefined; tile = waiting.shift()) {
          const frames = await this.ask(tile, request.signal);
          if (this.over) return;
          this.answeredMs.set(tileKey(tile), performance.now());
          const hello = frames.find((frame): frame is HelloFrame => frame.kind === "hello");
          const followed = this.host.epoch();
          if (hello === undefined || followed === "" || hello.epoch === followed) {
            known = true;
            if (frames.length > 0) this.host.apply(frames);
          } else {
            others.push(...frames);
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, ask));
      if (this.over) return;
      this.failed = 0;
      if (known) this.silent = 0;
      // The other server's whole state at once: what is drawn is replaced in one step.
      else if (others.length > 0 && ++this.silent >= SILENT_ROUNDS && all) this.host.apply(ofOne(others));
      this.worked = true;
      this.host.good();
    } catch (error) {
      request.abort();
      if (!this.over && (!this.worked || error instanceof WireVersionError || ++this.failed >= MOST_FAILED)) {
        this.stop();
        this.host.ended(error);
      }
    } finally {
      clearTimeout(late);
      this.request = null;
      const now = this.host.tiles();
      const same = now.length === asked.length && now.every((tile, i) => tileKey(tile) === tileKey(asked[i] as TileId));
      this.again(same ? everyMs : 0);
    }
  }

  private again(ms: number): void {
    if (this.over) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.wake(), ms * (1 + JITTER * (2 * Math.random() - 1)));
  }

  /** The answer for a tile: what was missed, or all of it. Nothing new is no frame. */
  private async ask(tile: TileId, signal: AbortSignal): Promise<Frame[]> {
    const epoch = this.host.epoch();
    const seq = epoch === "" ? undefined : this.host.seqOf(tile);
    const since = seq === undefined ? "" : `?since=${epoch}-${seq}`;
    // The browser keeps the whole tile with its ETag, and asks by it.
    const answer = await fetch(`${this.base}/${tile.level}/${tile.x}/${tile.y}${since}`, { signal });
    if (answer.status === 204) return [];
    if (!answer.ok) throw new Error(`tile ${tile.level}/${tile.x}/${tile.y}: HTTP ${answer.status}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (bytes.length > MAX_INFLATED_BYTES) throw new Error(`tile ${tile.level}/${tile.x}/${tile.y}: ${bytes.length} bytes`);
    return decodeMessage(bytes);
  }
}

/** Of frames of several servers, those of the first one. */
function ofOne(frames: readonly Frame[]): Frame[] {
  let epoch = "";
  let of = "";
  return frames.filter((frame) => {
    if (frame.kind === "hello") {
      of = frame.epoch;
      epoch ||= of;
    }
    return of === epoch;
  });
}
