/**
 * The WebSocket of the live map: asks for the tiles of the view, applies what comes in its order, and gets back by
 * itself after any break. Where sockets do not get through, the same tiles come over HTTP (`poll.ts`), and a socket is
 * tried now and then. Bounded: at most MAX_TILES tiles and MAX_WAITING_BYTES of messages not yet applied.
 */
import { type Signal, signal } from "@preact/signals";
import type { Polling } from "./poll";
import { tileKey, tilesForView } from "./tiles";
import type { MapView } from "./types";
import { type Frame, type PulseFrame, type TileId, WireVersionError, decodeMessage } from "./wire";
import type { World } from "./world";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A connection that lived this long counts as good: the next break starts again with the first delay. */
const GOOD_AFTER_MS = 10_000;
/** The pulse comes every 5 s; silence of this long is a dead connection. */
const SILENCE_MS = 30_000;
const CHECK_EVERY_MS = 5_000;
/** While the map moves, the list of tiles is sent at most this often. */
const SEND_EVERY_MS = 120;
const KEEP_UNWANTED_MS = 60_000;
/** A hidden page follows for this long and then costs nothing. */
const HIDDEN_CLOSE_MS = 180_000;
const LONGEST_LEAVE_MS = 300_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const ASK_AGAIN_MS = 2_000;
/** A connection that says nothing for so long after its start is blocked on its way. */
const HELLO_MS = 10_000;
/** After so many connections without a word the tiles are asked for over HTTP. */
const UNHEARD_LIMIT = 2;
/** While they are, a socket is tried after so long, and then ever more seldom. */
const FIRST_TRY_MS = 60_000;
const LONGEST_TRY_MS = 600_000;

export type ConnectionState =
  | { kind: "connecting" }
  | { kind: "live" }
  /** Sockets are blocked: the tiles are asked for over HTTP. */
  | { kind: "polling" }
  /** `atMs` is Date.now() of the next attempt. */
  | { kind: "reconnecting"; atMs: number }
  /** The browser says that there is no network. */
  | { kind: "offline" }
  /** The page was hidden for long. */
  | { kind: "paused" }
  /** The server speaks a newer version: only loading the page anew helps. */
  | { kind: "outdated" };

export class LiveStream {
  readonly state: Signal<ConnectionState> = signal({ kind: "connecting" });
  readonly pulse: Signal<PulseFrame | null> = signal(null);
  readonly serverVersion: Signal<string> = signal("");
  /** Server's clock minus ours, in ms. */
  readonly clockOffsetMs: Signal<number> = signal(0);

  private readonly world: World;
  private readonly url: string;
  private socket: WebSocket | null = null;
  private epoch = "";
  private tiles: TileId[] = [];
  /** Keys of the list last sent on this connection. */
  private sent = new Set<number>();
  private attempts = 0;
  /** Connections in a row that ended without a hello. */
  private unheard = 0;
  private heardHello = false;
  private polling: Polling | null = null;
  private pollingTries = 0;
  private openedAt = 0;
  private heardAt = 0;
  private leaveAt = 0;
  private waitingBytes = 0;
  private queue: Promise<void> = Promise.resolve();
  private readonly askedAt = new Map<number, number>();
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private sendTimer: ReturnType<typeof setTimeout> | undefined;
  private hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  private leaveTimer: ReturnType<typeof setTimeout> | undefined;
  private checkTimer: ReturnType<typeof setInterval> | undefined;

  constructor(world: World, url: string) {
    this.world = world;
    this.url = url;
  }

  start(): void {
    document.addEventListener("visibilitychange", this.onVisibility);
    addEventListener("online", this.onOnline);
    addEventListener("offline", this.onOffline);
    addEventListener("pageshow", this.onOnline);
    this.checkTimer = setInterval(() => this.check(), CHECK_EVERY_MS);
    this.connect();
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.onVisibility);
    removeEventListener("online", this.onOnline);
    removeEventListener("offline", this.onOffline);
    removeEventListener("pageshow", this.onOnline);
    clearInterval(this.checkTimer);
    clearTimeout(this.hiddenTimer);
    clearTimeout(this.sendTimer);
    this.stopPolling();
    this.drop();
  }

  /** Follows the tiles of a view from now on. */
  setView(view: MapView): void {
    const tiles = tilesForView(view);
    if (tiles.length === 0) return;
    const keys = new Set(this.tiles.map(tileKey));
    if (tiles.length === keys.size && tiles.every((tile) => keys.has(tileKey(tile)))) return;
    this.tiles = tiles;
    this.world.setWanted(tiles);
    this.sendTimer ??= setTimeout(() => {
      this.sendTimer = undefined;
      // An opened connection may have sent this very list meanwhile.
      const news = this.tiles.length !== this.sent.size || this.tiles.some((tile) => !this.sent.has(tileKey(tile)));
      if (!news) return;
      this.sendTiles();
      this.polling?.wake();
    }, this.sent.size === 0 ? 0 : SEND_EVERY_MS);
  }

  /** Tries at once instead of waiting out the delay. */
  retryNow(): void {
    if (this.socket === null && this.state.value.kind !== "outdated") this.connect();
  }

  private connect(): void {
    this.drop();
    const { kind } = this.state.value;
    if (kind === "connecting" || kind === "paused" || kind === "outdated") this.state.value = { kind: "connecting" };
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.openedAt = Date.now();
    this.heardAt = this.openedAt;
    this.heardHello = false;
    this.sent = new Set();
    socket.onopen = () => this.sendTiles();
    socket.onmessage = (event) => this.receive(socket, event.data);
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
  }

  /** Lets the connection go without coming back. */
  private drop(): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.leaveTimer);
    const socket = this.socket;
    this.socket = null;
    this.leaveAt = 0;
    socket?.close();
  }

  private lost(): void {
    const leaveIn = this.leaveAt - Date.now();
    this.unheard = this.heardHello ? 0 : this.unheard + 1;
    if (this.state.value.kind === "polling") {
      this.drop();
      this.trySocketLater();
      return;
    }
    this.retryLater(leaveIn);
  }

  private retryLater(leaveIn: number): void {
    const now = Date.now();
    if (this.state.value.kind === "live" && now - this.openedAt >= GOOD_AFTER_MS) this.attempts = 0;
    this.drop();
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.attempts);
    this.attempts++;
    const delay = Math.max(leaveIn, longest * (0.5 + Math.random() / 2));
    // Tried all the same: a server on this very machine needs no network.
    this.state.value = navigator.onLine ? { kind: "reconnecting", atMs: now + delay } : { kind: "offline" };
    this.retryTimer = setTimeout(() => this.connect(), delay);
    if (this.unheard >= UNHEARD_LIMIT) void this.startPolling();
  }

  /** Asks over HTTP from now on. Until an answer is there the state stays what it is: the server itself may be away. */
  private async startPolling(): Promise<void> {
    const { Polling } = await import("./poll");
    const { kind } = this.state.value;
    if (this.polling !== null || this.heardHello || kind === "paused" || kind === "outdated") return;
    const polling = new Polling({
      tiles: () => this.tiles,
      epoch: () => this.epoch,
      seqOf: (tile) => this.world.seqOf(tile),
      apply: (frames) => this.apply(frames, true),
      good: () => {
        if (this.state.value.kind === "polling") return;
        this.state.value = { kind: "polling" };
        this.pollingTries = 0;
        this.trySocketLater();
      },
      ended: (error) => this.pollingEnded(error),
    }, this.url.replace(/^ws/, "http").replace(/ws$/, "tiles"));
    this.polling = polling;
    polling.wake();
  }

  private stopPolling(): void {
    this.polling?.stop();
    this.polling = null;
  }

  private trySocketLater(): void {
    clearTimeout(this.retryTimer);
    if (this.state.value.kind !== "polling") return;
    const delay = Math.min(LONGEST_TRY_MS, FIRST_TRY_MS * 2 ** this.pollingTries++);
    this.retryTimer = setTimeout(() => this.connect(), delay * (0.5 + Math.random() / 2));
  }

  /** The server is not there over HTTP either: on as after any break. */
  private pollingEnded(error: unknown): void {
    this.stopPolling();
    if (error instanceof WireVersionError) {
      this.drop();
      this.state.value = { kind: "outdated" };
    } else if (this.state.value.kind === "polling") {
      this.attempts = 0;
      this.retryLater(0);
    }
  }

  private receive(socket: WebSocket, data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return;
    this.heardAt = Date.now();
    this.waitingBytes += data.byteLength;
    if (this.waitingBytes > MAX_WAITING_BYTES) {
      this.fail(socket, new Error("messages come faster than this page can apply them"));
    }
    this.queue = this.queue.then(async () => {
      try {
        if (this.socket !== socket) return;
        const frames = await decodeMessage(new Uint8Array(data));
        // The connection may have gone while a snapshot was inflated.
        if (this.socket === socket) this.apply(frames);
      } catch (error) {
        this.fail(socket, error);
      } finally {
        this.waitingBytes -= data.byteLength;
      }
    });
  }

  private fail(socket: WebSocket, error: unknown): void {
    if (this.socket !== socket) return;
    console.warn(`live stream: ${String(error)}; connecting anew`);
    if (error instanceof WireVersionError) {
      this.drop();
      this.state.value = { kind: "outdated" };
      return;
    }
    // What was applied so far cannot be trusted to be whole: the next connection begins with snapshots.
    this.epoch = "";
    this.world.beginEpoch();
    this.lost();
  }

  private apply(frames: Frame[], polled = false): void {
    const ask: TileId[] = [];
    for (const frame of frames) {
      switch (frame.kind) {
        case "hello":
          if (frame.epoch !== this.epoch) this.world.beginEpoch();
          this.epoch = frame.epoch;
          this.serverVersion.value = frame.version;
          this.hello(frame.serverTimeMs - Date.now(), polled);
          break;
        case "snapshot": this.world.applySnapshot(frame); break;
        case "delta":
          if (!this.world.applyDelta(frame)) ask.push(frame.tile);
          break;
        case "density": this.world.applyDensity(frame); break;
        case "pulse":
          this.pulse.value = frame;
          this.clockOffsetMs.value = frame.serverTimeMs - Date.now();
          break;
        case "leave": this.leave(frame.delayMs); break;
      }
    }
    this.world.endMessage();
    this.askAgain(ask);
  }

  private hello(offsetMs: number, polled: boolean): void {
    // An answer may have lain in a cache: of several the latest clock is the right one.
    this.clockOffsetMs.value = polled && this.state.value.kind === "polling" ? Math.max(this.clockOffsetMs.value, offsetMs) : offsetMs;
    if (polled) return;
    this.heardHello = true;
    this.stopPolling();
    this.state.value = { kind: "live" };
  }

  /** The server is going away: move over after the delay it chose, keeping the old connection until then. */
  private leave(delayMs: number): void {
    const delay = Math.min(delayMs, LONGEST_LEAVE_MS);
    this.leaveAt = Date.now() + delay;
    clearTimeout(this.leaveTimer);
    this.leaveTimer = setTimeout(() => {
      this.attempts = 0;
      this.connect();
    }, delay);
  }

  private askAgain(tiles: TileId[]): void {
    const now = Date.now();
    const due = tiles.filter((tile) => this.sent.has(tileKey(tile)) && now - (this.askedAt.get(tileKey(tile)) ?? 0) > ASK_AGAIN_MS);
    if (due.length === 0) return;
    for (const tile of due) this.askedAt.set(tileKey(tile), now);
    this.sendTiles(new Set(due.map(tileKey)));
  }

  /** Sends the whole list; tiles new to this connection, and those in `again`, carry the sequence number held. */
  private sendTiles(again: ReadonlySet<number> = new Set()): void {
    if (this.socket?.readyState !== WebSocket.OPEN || this.tiles.length === 0) return;
    let resumes = false;
    const tiles = this.tiles.map((tile) => {
      const key = tileKey(tile);
      const asks = again.has(key);
      const seq = asks || !this.sent.has(key) ? this.world.seqOf(tile) ?? (asks ? 0 : undefined) : undefined;
      if (seq === undefined || this.epoch === "") return [tile.level, tile.x, tile.y];
      resumes = true;
      return [tile.level, tile.x, tile.y, seq];
    });
    this.socket.send(JSON.stringify(resumes ? { tiles, epoch: this.epoch } : { tiles }));
    this.sent = new Set(this.tiles.map(tileKey));
    for (const key of this.askedAt.keys()) if (!this.sent.has(key)) this.askedAt.delete(key);
  }

  private check(): void {
    this.world.dropUnwanted(KEEP_UNWANTED_MS);
    if (this.socket !== null && Date.now() - this.heardAt > (this.heardHello ? SILENCE_MS : HELLO_MS)) this.lost();
  }

  private readonly onVisibility = (): void => {
    clearTimeout(this.hiddenTimer);
    if (document.visibilityState === "hidden") {
      this.hiddenTimer = setTimeout(() => {
        if (this.state.value.kind === "outdated") return;
        this.drop();
        this.state.value = { kind: "paused" };
      }, HIDDEN_CLOSE_MS);
    } else {
      this.polling?.wake();
      this.retryNow();
    }
  };

  private readonly onOnline = (): void => {
    this.attempts = 0;
    if (document.visibilityState === "visible") this.retryNow();
  };

  private readonly onOffline = (): void => {
    if (this.state.value.kind === "reconnecting") this.state.value = { kind: "offline" };
  };
}
