/**
 * Reads the time blocks of docs/protocol.md. Every byte is taken for hostile, as in the live stream's reader: whatever
 * does not fit is a WireError.
 */
import type { TileId } from "../live/wire";
import { Reader, WireError, WireVersionError, decodeText, readPacked, readTile } from "../live/wire";

/** Seconds of a block. */
export const BLOCK_S = 600;
/** Blocks of an hour. */
export const HOUR_BLOCKS = 6;
/** Steps of a position along a tile. */
const STEPS = 16384;
const VERSION = 1;
export const GONE = 254;
export const QUIET = 253;

/** Who: kind and name, and how it looks. */
export interface Who {
  count: number;
  names: string[];
  symbolTable: Uint8Array;
  symbolCode: Uint8Array;
  flags: Uint8Array;
}

/** Who is where at the start of a block; places in Web Mercator. */
export interface KeyFrame extends Who {
  /** 2° steps; 255 unknown. */
  course: Uint8Array;
  /** km/h; 255 unknown. */
  speed: Uint8Array;
  x: Float64Array;
  y: Float64Array;
  /** Minutes since the last fix. */
  ageMin: Uint8Array;
}

/** What happens in a span of time, entity by entity. */
export interface Moves extends Who {
  /** How many of the events are each entity's, in order. */
  events: Uint32Array;
  /** Course of a fix (2° steps, 255 unknown), GONE or QUIET. */
  what: Uint8Array;
  /** Seconds after the start of the span. */
  atS: Uint32Array;
  /** Web Mercator; of fixes only. */
  x: Float64Array;
  y: Float64Array;
  speed: Uint8Array;
}

export interface Block {
  tile: TileId;
  block: number;
  spanS: number;
  /** How much of the span had passed when it was made. */
  coveredS: number;
  key: KeyFrame | null;
  /** Null at level 0. */
  moves: Moves | null;
  /** At level 0: cells along each side, and the counts. */
  grid: number;
  cells: { cell: number; entities: number }[];
}

function readWho(reader: Reader, least: number, what: string): Who {
  const count = reader.count(least, what);
  const lengths = reader.slice(count, "name lengths");
  const names: string[] = [];
  for (const length of lengths) names.push(decodeText(reader.slice(length, "name")));
  return {
    count, names, symbolTable: reader.slice(count, "symbol table"), symbolCode: reader.slice(count, "symbol code"), flags: reader.slice(count, "flags"),
  };
}

function readKey(reader: Reader, tile: TileId): KeyFrame {
  const who = readWho(reader, 11, "key frame");
  const { count } = who;
  const course = reader.slice(count, "course");
  const speed = reader.slice(count, "speed");
  const side = 2 ** tile.level;
  const place = (from: number, what: string) => Float64Array.from(reader.u16s(count, what), (step) => (from + step / STEPS) / side);
  return { ...who, course, speed, x: place(tile.x, "x"), y: place(tile.y, "y"), ageMin: reader.slice(count, "age") };
}

function zigzag(reader: Reader, what: string): number {
  const value = reader.varint(what);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function readMoves(reader: Reader, tile: TileId, spanS: number): Moves {
  const who = readWho(reader, 6, "moves");
  const events = new Uint32Array(who.count);
  let total = 0;
  for (let i = 0; i < who.count; i++) {
    events[i] = reader.varint("events");
    total += events[i] as number;
    // Two bytes each at least.
    if (total * 2 > reader.left) throw new WireError(`${total} events cannot fit into ${reader.left} bytes`);
  }
  const what = reader.slice(total, "what");
  const atS = new Uint32Array(total);
  const x = new Float64Array(total).fill(Number.NaN);
  const y = new Float64Array(total).fill(Number.NaN);
  const speed = new Uint8Array(total).fill(255);
  const side = 2 ** tile.level;
  /** Calls for each event of each entity; `begin` at an entity's first. */
  const each = (begin: () => void, run: (at: number) => void, fixes: boolean) => {
    let at = 0;
    for (const count of events) {
      begin();
      for (const end = at + count; at < end; at++) if (!fixes || !ends(what[at] as number)) run(at);
    }
  };
  let sum = 0;
  const begin = () => {
    sum = 0;
  };
  each(begin, (at) => {
    sum += reader.varint("time");
    if (sum > spanS) throw new WireError(`an event at ${sum} s of a span of ${spanS} s`);
    atS[at] = sum;
  }, false);
  for (const [column, from, name] of [[x, tile.x, "x"], [y, tile.y, "y"]] as const) {
    each(begin, (at) => {
      sum += zigzag(reader, name);
      column[at] = (from + sum / STEPS) / side;
    }, true);
  }
  each(begin, (at) => {
    speed[at] = reader.u8("speed");
  }, true);
  return { ...who, events, what, atS, x, y, speed };
}

/** Whether an event is no fix. */
export function ends(what: number): boolean {
  return what === GONE || what === QUIET;
}

/** Reads an answer. Rejects with a WireError. */
export async function decodeBlock(bytes: Uint8Array): Promise<Block> {
  const head = new Reader(bytes);
  const version = head.u8("version");
  if (version !== VERSION) throw new WireVersionError(`time block of version ${version}, this page reads ${VERSION}`);
  const tile = readTile(head);
  const read = { tile, block: head.u32("block"), spanS: head.u16("span"), coveredS: head.u16("covered"), key: null, moves: null, grid: 0, cells: [] };
  const reader = new Reader(await readPacked(head));
  if (tile.level > 0) {
    const key = reader.u8("key") === 1 ? readKey(reader, tile) : null;
    return { ...read, key, moves: readMoves(reader, tile, read.spanS) };
  }
  const grid = reader.u16("grid");
  if (grid < 1 || grid > 1024) throw new WireError(`density grid of ${grid} cells a side`);
  let cell = 0;
  const cells = Array.from({ length: reader.count(2, "cells") }, () => {
    cell += reader.varint("cell");
    if (cell >= grid * grid) throw new WireError(`density cell ${cell} lies outside its grid of ${grid}`);
    return { cell, entities: reader.varint("entities of a cell") };
  });
  return { ...read, grid, cells };
}

export type Part = "" | "/moves" | "/hour";

/** Gets a block of a tile from the server. Rejects when it does not come or cannot be read. */
export async function fetchBlock(tile: TileId, block: number, part: Part, signal: AbortSignal): Promise<Block> {
  const response = await fetch(`/history/v1/${tile.level}/${tile.x}/${tile.y}/${block}${part}`, { signal });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const read = await decodeBlock(new Uint8Array(await response.arrayBuffer()));
  if (read.block !== block || read.tile.level !== tile.level || read.tile.x !== tile.x || read.tile.y !== tile.y) {
    throw new WireError("the server answered with another block");
  }
  return read;
}

/** What is kept. */
export interface Range {
  /** When the oldest packet that is kept was received, ms since 1970. */
  oldestMs: number;
  /** The server's clock minus ours, ms. */
  offsetMs: number;
}

export async function fetchRange(signal: AbortSignal): Promise<Range> {
  const response = await fetch("/history/v1/range", { signal });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const body = (await response.json()) as { oldest_block?: unknown; oldest_ms?: unknown; server_time_ms?: unknown } | null;
  const { oldest_block: oldest, oldest_ms: exactly, server_time_ms: now } = body ?? {};
  if (!Number.isFinite(oldest) || !Number.isFinite(now)) throw new Error("the server's answer is not what was asked for");
  // A server of an earlier version tells the block alone.
  return { oldestMs: Number.isFinite(exactly) ? (exactly as number) : (oldest as number) * BLOCK_S * 1000, offsetMs: (now as number) - Date.now() };
}
