/** Writes the time blocks of docs/protocol.md: for the mock server and the tests of the reader. */
import { deflateRawSync } from "node:zlib";
import { varint } from "./encoder.mjs";

const u16 = (n) => [n & 0xff, (n >> 8) & 0xff];
const u32 = (n) => [...u16(n & 0xffff), ...u16(n >>> 16)];
const zigzag = (n) => varint(n < 0 ? -2 * n - 1 : 2 * n);

const byKey = (a, b) => ((a.flags ?? 0) & 3) - ((b.flags ?? 0) & 3) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));

function who(entities) {
  const names = entities.map((one) => [...Buffer.from(one.name)]);
  return [
    ...varint(entities.length), ...names.map((name) => name.length), ...names.flat(),
    ...entities.map((one) => (one.table ?? "/").charCodeAt(0)), ...entities.map((one) => (one.code ?? ">").charCodeAt(0)),
    ...entities.map((one) => one.flags ?? 0),
  ];
}

/** Entities: {name, flags, table, code, course, speed, x, y (0..16383 in the tile), ageMin}. */
function key(entities) {
  const sorted = [...entities].sort(byKey);
  return [
    ...who(sorted), ...sorted.map((one) => one.course ?? 255), ...sorted.map((one) => one.speed ?? 255),
    ...sorted.flatMap((one) => u16(one.x)), ...sorted.flatMap((one) => u16(one.y)), ...sorted.map((one) => one.ageMin ?? 0),
  ];
}

function differences(numbers, write) {
  let before = 0;
  return numbers.flatMap((number) => {
    const step = write(number - before);
    before = number;
    return step;
  });
}

/** Entities: {name, flags, table, code, events: [{what ("gone", "quiet", or a course 0-180, 255), atS, x, y, speed}]}. */
function moves(entities) {
  const sorted = [...entities].sort(byKey);
  const fixes = sorted.map((one) => one.events.filter((event) => typeof event.what === "number"));
  return [
    ...who(sorted), ...sorted.flatMap((one) => varint(one.events.length)),
    ...sorted.flatMap((one) => one.events.map(({ what }) => (what === "gone" ? 254 : what === "quiet" ? 253 : what))),
    ...sorted.flatMap((one) => differences(one.events.map((event) => event.atS), varint)),
    ...fixes.flatMap((one) => differences(one.map((event) => event.x), zigzag)),
    ...fixes.flatMap((one) => differences(one.map((event) => event.y), zigzag)),
    ...fixes.flat().map((event) => event.speed ?? 255),
  ];
}

/** `content`: {key?, moves} or, at level 0, {cells: [{cell, entities}]}. */
export function encodeBlock([level, x, y], block, content, { spanS = 600, coveredS = spanS, packing = 0 } = {}) {
  const cells = [...(content.cells ?? [])].sort((a, b) => a.cell - b.cell);
  const steps = cells.map((one, i) => one.cell - (cells[i - 1]?.cell ?? 0));
  const body = level === 0
    ? [...u16(64), ...varint(cells.length), ...cells.flatMap((one, i) => [...varint(steps[i]), ...varint(one.entities)])]
    : [content.key === undefined ? 0 : 1, ...(content.key === undefined ? [] : key(content.key)), ...moves(content.moves ?? [])];
  return Uint8Array.from([
    1, level, ...u16(x), ...u16(y), ...u32(block), ...u16(spanS), ...u16(coveredS), packing,
    ...(packing === 1 ? deflateRawSync(Uint8Array.from(body)) : body),
  ]);
}
