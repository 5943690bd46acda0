/** Writes the messages of docs/protocol.md: for the mock server and the tests of the reader. */
import { deflateRawSync } from "node:zlib";

const u8 = (n) => [n & 0xff];
const u16 = (n) => [n & 0xff, (n >> 8) & 0xff];
const u32 = (n) => [...u16(n & 0xffff), ...u16(n >>> 16)];
const u64 = (n) => [...u32(Number(BigInt(n) & 0xffffffffn)), ...u32(Number(BigInt(n) >> 32n))];

export function varint(n) {
  const out = [];
  let left = n;
  do {
    const low = left % 128;
    left = Math.floor(left / 128);
    out.push(left > 0 ? low + 128 : low);
  } while (left > 0);
  return out;
}

function differences(ids) {
  let before = 0;
  return ids.flatMap((id) => {
    const step = varint(id - before);
    before = id;
    return step;
  });
}

/**
 * Entities: {id, x, y (0..65535 in the tile), age, table, code, course, flags, speed, range, interval, name (string or bytes)}.
 * `extra` bytes of a column this page does not know are added for each entity; `old` leaves range and interval out.
 */
export function encodeBatch(entities, { baseTimeS = 1_800_000_000, removed = [], extra = 0, old = false } = {}) {
  const sorted = [...entities].sort((a, b) => a.id - b.id);
  const names = sorted.map((e) => (typeof e.name === "string" ? [...Buffer.from(e.name)] : [...e.name]));
  const column = (write) => sorted.flatMap(write);
  return Uint8Array.from([
    ...u32(baseTimeS), ...u8((old ? 12 : 15) + extra), ...varint(sorted.length),
    ...differences(sorted.map((e) => e.id)),
    ...column((e) => u16(e.x)), ...column((e) => u16(e.y)), ...column((e) => u16(e.age ?? 0)),
    ...column((e) => u8((e.table ?? "/").charCodeAt(0))), ...column((e) => u8((e.code ?? ">").charCodeAt(0))),
    ...column((e) => u8(e.course ?? 255)), ...column((e) => u8(e.flags ?? 0)), ...column((e) => u16(e.speed ?? 65535)),
    ...(old ? [] : [...column((e) => u16(e.range ?? 0)), ...column((e) => u8(e.interval ?? 0))]),
    ...Array.from({ length: sorted.length * extra }, () => 0xee),
    ...names.map((name) => name.length), ...names.flat(),
    ...varint(removed.length), ...differences([...removed].sort((a, b) => a - b)),
  ]);
}

export function frame(kind, body) {
  return [...u8(kind), ...varint(body.length), ...body];
}

const tileBytes = ([level, x, y]) => [...u8(level), ...u16(x), ...u16(y)];
const packed = (body, packing) => [packing, ...(packing === 1 ? deflateRawSync(body) : body)];

export const hello = (epoch, serverTimeMs, version = "test") =>
  frame(1, [...u64(epoch), ...u64(serverTimeMs), ...u16(500), ...Buffer.from(version)]);
export const snapshot = (tile, seq, batch, packing = 0) => frame(2, [...tileBytes(tile), ...u32(seq), ...packed(batch, packing)]);
export const delta = (tile, from, to, batch, packing = 0) =>
  frame(packing === 1 ? 7 : 3, [...tileBytes(tile), ...u32(from), ...u32(to), ...(packing === 1 ? deflateRawSync(batch) : batch)]);
export const density = (tile, seq, cells, { grid = 64, packing = 0, baseTimeS = 1_800_000_000 } = {}) => {
  const sorted = [...cells].sort((a, b) => a.cell - b.cell);
  let before = 0;
  const rows = sorted.flatMap((c) => {
    const row = [...varint(c.cell - before), ...varint(c.entities)];
    before = c.cell;
    return row;
  });
  return frame(4, [...tileBytes(tile), ...u32(seq), ...packed(Uint8Array.from([...u32(baseTimeS), ...u16(grid), ...varint(sorted.length), ...rows]), packing)]);
};
export const pulse = (serverTimeMs, viewers, entities, perMinute) =>
  frame(5, [...u64(serverTimeMs), ...u32(viewers), ...u32(entities), ...u32(perMinute)]);
export const leave = (delayMs) => frame(6, u32(delayMs));
export const message = (...frames) => Uint8Array.from([1, ...frames.flat()]);
