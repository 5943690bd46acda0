/**
 * Reads the binary messages of docs/protocol.md. Every byte is taken for hostile: each length is checked against what
 * is left before anything is allocated, and whatever does not fit is a WireError that names the field.
 */

/** The version byte this page understands. */
export const WIRE_VERSION = 1;
/** Bytes of the fixed columns that have always been there, and with those that came later. */
const FIRST_STRIDE = 12;
const KNOWN_STRIDE = 15;
/** No tile comes near this; a message that inflates to more is refused. */
export const MAX_INFLATED_BYTES = 32 * 1024 * 1024;

/** What was wrong with a message, and where. */
export class WireError extends Error {
  override name = "WireError";
}

/** The message is of a version this page cannot read: the page must be loaded anew. */
export class WireVersionError extends WireError {
  override name = "WireVersionError";
}

export interface TileId {
  level: number;
  x: number;
  y: number;
}

/** Entities of a tile, column by column, and the ids that left it. */
export interface Batch {
  /** Seconds since 1970. */
  baseTimeS: number;
  count: number;
  ids: Uint32Array;
  /** Position within the tile, 1/65536 of its width. */
  x: Uint16Array;
  y: Uint16Array;
  /** Steps of 2 s before baseTimeS; 65535: older. */
  age: Uint16Array;
  symbolTable: Uint8Array;
  symbolCode: Uint8Array;
  /** Steps of 2°; 255 unknown. */
  course: Uint8Array;
  flags: Uint8Array;
  /** 0.1 km/h; 65535 unknown. */
  speed: Uint16Array;
  /** 0.1 km, from PHG or RNG; 0 none. */
  range: Uint16Array;
  /** Usual time between two beacons in steps of 30 s; 0 unknown, 255 longer. */
  interval: Uint8Array;
  names: string[];
  removed: Uint32Array;
}

export interface HelloFrame {
  kind: "hello";
  /** 16 hexadecimal digits, as the page sends it back. */
  epoch: string;
  serverTimeMs: number;
  tickMs: number;
  version: string;
}
export interface SnapshotFrame {
  kind: "snapshot";
  tile: TileId;
  seq: number;
  batch: Batch;
}
export interface DeltaFrame {
  kind: "delta";
  tile: TileId;
  fromSeq: number;
  toSeq: number;
  batch: Batch;
}
export interface DensityFrame {
  kind: "density";
  tile: TileId;
  seq: number;
  baseTimeS: number;
  /** Cells along each side. */
  grid: number;
  /** row × grid + column. */
  cells: Uint32Array;
  entities: Uint32Array;
}
export interface PulseFrame {
  kind: "pulse";
  serverTimeMs: number;
  viewers: number;
  entities: number;
  packetsPerMinute: number;
}
export interface LeaveFrame {
  kind: "leave";
  delayMs: number;
}
export type Frame = HelloFrame | SnapshotFrame | DeltaFrame | DensityFrame | PulseFrame | LeaveFrame;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Bytes as people see them: UTF-8 where it is UTF-8, else each byte as its Latin-1 character. */
export function decodeText(bytes: Uint8Array): string {
  let ascii = true;
  for (const byte of bytes) {
    if (byte >= 0x80) {
      ascii = false;
      break;
    }
  }
  if (!ascii) {
    try {
      return utf8.decode(bytes);
    } catch {
      // Not UTF-8: the single bytes are shown.
    }
  }
  return String.fromCharCode(...bytes);
}

export class Reader {
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Moves over `count` bytes and returns where they began. */
  private take(count: number, what: string): number {
    if (count > this.left) {
      throw new WireError(`${what} needs ${count} bytes at byte ${this.at}, ${this.left} are left`);
    }
    const begin = this.at;
    this.at += count;
    return begin;
  }

  u8(what: string): number {
    return this.view.getUint8(this.take(1, what));
  }

  u16(what: string): number {
    return this.view.getUint16(this.take(2, what), true);
  }

  u32(what: string): number {
    return this.view.getUint32(this.take(4, what), true);
  }

  u64(what: string): bigint {
    return this.view.getBigUint64(this.take(8, what), true);
  }

  varint(what: string): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8(what);
      // Not shifts: the fifth byte would leave the signed 32 bits of the operators.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw new WireError(`${what} before byte ${this.at} is over 32 bits`);
  }

  slice(count: number, what: string): Uint8Array {
    const begin = this.take(count, what);
    return this.bytes.subarray(begin, begin + count);
  }

  u16s(count: number, what: string): Uint16Array {
    const begin = this.take(count * 2, what);
    const column = new Uint16Array(count);
    for (let i = 0; i < count; i++) column[i] = this.view.getUint16(begin + i * 2, true);
    return column;
  }

  /** Ids, each written as the difference to the one before. */
  ascending(count: number, what: string): Uint32Array {
    const column = new Uint32Array(count);
    let value = 0;
    for (let i = 0; i < count; i++) {
      value += this.varint(what);
      if (value > 0xffffffff) throw new WireError(`${what} ${i} of ${count} is over 32 bits`);
      column[i] = value;
    }
    return column;
  }

  /** A count of things of at least `least` bytes each, so no more than fit into what is left. */
  count(least: number, what: string): number {
    const count = this.varint(what);
    if (count * least > this.left) {
      throw new WireError(`${what} of ${count} cannot fit into ${this.left} bytes`);
    }
    return count;
  }

  rest(): Uint8Array {
    return this.slice(this.left, "rest");
  }
}

export function readTile(reader: Reader): TileId {
  const tile = { level: reader.u8("level"), x: reader.u16("tile x"), y: reader.u16("tile y") };
  const side = 2 ** tile.level;
  if (tile.level > 16 || tile.x >= side || tile.y >= side) {
    throw new WireError(`no tile ${tile.level}/${tile.x}/${tile.y}`);
  }
  return tile;
}

/** Reads a batch; columns beyond those known and bytes after its end are skipped. */
export function decodeBatch(bytes: Uint8Array): Batch {
  const reader = new Reader(bytes);
  const baseTimeS = reader.u32("base time");
  const stride = reader.u8("stride");
  if (stride < FIRST_STRIDE) throw new WireError(`stride ${stride} is under ${FIRST_STRIDE}`);
  const count = reader.count(stride + 2, "entity count");
  const ids = reader.ascending(count, "id");
  const x = reader.u16s(count, "x");
  const y = reader.u16s(count, "y");
  const age = reader.u16s(count, "age");
  const symbolTable = reader.slice(count, "symbol table");
  const symbolCode = reader.slice(count, "symbol code");
  const course = reader.slice(count, "course");
  const flags = reader.slice(count, "flags");
  const speed = reader.u16s(count, "speed");
  const known = stride >= KNOWN_STRIDE;
  const range = known ? reader.u16s(count, "range") : new Uint16Array(count);
  const interval = known ? reader.slice(count, "interval") : new Uint8Array(count);
  reader.slice(count * (stride - (known ? KNOWN_STRIDE : FIRST_STRIDE)), "further columns");
  const lengths = reader.slice(count, "name lengths");
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(decodeText(reader.slice(lengths[i] ?? 0, "name")));
  const removed = reader.ascending(reader.count(1, "removed count"), "removed id");
  return {
    baseTimeS, count, ids, x, y, age, symbolTable, symbolCode, course, flags, speed, range, interval, names, removed,
  };
}

/** Inflates raw DEFLATE by the browser's own decoder, up to MAX_INFLATED_BYTES. */
export async function inflateRaw(bytes: Uint8Array): Promise<Uint8Array> {
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  const reader = source.pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > MAX_INFLATED_BYTES) {
        throw new WireError(`packed body inflates to over ${MAX_INFLATED_BYTES} bytes`);
      }
      parts.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    if (error instanceof WireError) throw error;
    throw new WireError(`packed body is not raw DEFLATE: ${String(error)}`);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export async function readPacked(reader: Reader): Promise<Uint8Array> {
  const packing = reader.u8("packing");
  if (packing === 0) return reader.rest();
  if (packing === 1) return inflateRaw(reader.rest());
  throw new WireError(`packing ${packing} is unknown`);
}

function readHello(reader: Reader): HelloFrame {
  return {
    kind: "hello",
    epoch: reader.u64("epoch").toString(16).padStart(16, "0"),
    serverTimeMs: Number(reader.u64("server time")),
    tickMs: reader.u16("tick"),
    version: decodeText(reader.slice(Math.min(reader.left, 64), "server version")),
  };
}

async function readSnapshot(reader: Reader): Promise<SnapshotFrame> {
  const tile = readTile(reader);
  const seq = reader.u32("seq");
  return { kind: "snapshot", tile, seq, batch: decodeBatch(await readPacked(reader)) };
}

async function readDelta(reader: Reader, packed: boolean): Promise<DeltaFrame> {
  const tile = readTile(reader);
  const fromSeq = reader.u32("from seq");
  const toSeq = reader.u32("to seq");
  const batch = decodeBatch(packed ? await inflateRaw(reader.rest()) : reader.rest());
  return { kind: "delta", tile, fromSeq, toSeq, batch };
}

async function readDensity(reader: Reader): Promise<DensityFrame> {
  const tile = readTile(reader);
  const seq = reader.u32("seq");
  const body = new Reader(await readPacked(reader));
  const baseTimeS = body.u32("base time");
  const grid = body.u16("grid");
  if (grid < 1 || grid > 1024) throw new WireError(`density grid of ${grid} cells a side`);
  const count = body.count(2, "cell count");
  const cells = new Uint32Array(count);
  const entities = new Uint32Array(count);
  let cell = 0;
  for (let i = 0; i < count; i++) {
    cell += body.varint("cell");
    if (cell >= grid * grid) throw new WireError(`density cell ${cell} lies outside its grid of ${grid}`);
    cells[i] = cell;
    entities[i] = body.varint("entities of a cell");
  }
  return { kind: "density", tile, seq, baseTimeS, grid, cells, entities };
}

function readPulse(reader: Reader): PulseFrame {
  return {
    kind: "pulse",
    serverTimeMs: Number(reader.u64("server time")),
    viewers: reader.u32("viewers"),
    entities: reader.u32("entities"),
    packetsPerMinute: reader.u32("packets per minute"),
  };
}

/** Reads a whole message. Frames of unknown kinds are left out. Rejects with a WireError. */
export async function decodeMessage(bytes: Uint8Array): Promise<Frame[]> {
  const reader = new Reader(bytes);
  const version = reader.u8("message version");
  if (version !== WIRE_VERSION) {
    throw new WireVersionError(`message version ${version}, this page reads ${WIRE_VERSION}`);
  }
  const frames: Frame[] = [];
  while (reader.left > 0) {
    const kind = reader.u8("frame kind");
    const body = new Reader(reader.slice(reader.varint("frame length"), `body of frame kind ${kind}`));
    switch (kind) {
      case 1: frames.push(readHello(body)); break;
      case 2: frames.push(await readSnapshot(body)); break;
      case 3: frames.push(await readDelta(body, false)); break;
      case 4: frames.push(await readDensity(body)); break;
      case 5: frames.push(readPulse(body)); break;
      case 6: frames.push({ kind: "leave", delayMs: body.u32("delay") }); break;
      case 7: frames.push(await readDelta(body, true)); break;
      default: break;
    }
  }
  return frames;
}
