import { readFileSync, readdirSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type Batch, type Frame, WireError, WireVersionError, decodeBatch, decodeMessage } from "../../src/live/wire";
import { delta, density, encodeBatch, frame, hello, leave, message, pulse, snapshot, varint } from "../encoder.mjs";

const CAR = { id: 7, x: 1, y: 65535, age: 3, table: "/", code: ">", course: 45, flags: 0b0101_1101, speed: 723, range: 805, interval: 2, name: "N0CALL-9" };
const WX = { id: 300, x: 40000, y: 5, table: "1", code: "_", name: "WX" };

async function one<K extends Frame["kind"]>(kind: K, ...frames: number[][]): Promise<Extract<Frame, { kind: K }>> {
  const found = (await decodeMessage(message(...frames))).find((f) => f.kind === kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found as Extract<Frame, { kind: K }>;
}

describe("frames", () => {
  test("hello keeps all 64 bits of the epoch", async () => {
    const found = await one("hello", hello(0xfedc_ba98_7654_3210n, 1_800_000_000_123, "1.2.3"));
    expect(found).toEqual({ kind: "hello", epoch: "fedcba9876543210", serverTimeMs: 1_800_000_000_123, tickMs: 500, version: "1.2.3" });
    expect((await one("hello", hello(1n, 0))).epoch).toBe("0000000000000001");
  });

  test.each([0, 1])("snapshot with packing %i", async (packing) => {
    const { tile, seq, batch } = await one("snapshot", snapshot([9, 511, 0], 4_000_000_000, encodeBatch([WX, CAR]), packing));
    expect(tile).toEqual({ level: 9, x: 511, y: 0 });
    expect(seq).toBe(4_000_000_000);
    expect([...batch.ids]).toEqual([7, 300]);
    expect([...batch.x]).toEqual([1, 40000]);
    expect([...batch.y]).toEqual([65535, 5]);
    expect([...batch.age]).toEqual([3, 0]);
    expect(String.fromCharCode(...batch.symbolTable, ...batch.symbolCode)).toBe("/1>_");
    expect([...batch.course]).toEqual([45, 255]);
    expect([...batch.flags]).toEqual([0b0101_1101, 0]);
    expect([...batch.speed]).toEqual([723, 65535]);
    expect([...batch.range]).toEqual([805, 0]);
    expect([...batch.interval]).toEqual([2, 0]);
    expect(batch.names).toEqual(["N0CALL-9", "WX"]);
  });

  test("delta with removals, density, pulse and leave in one message", async () => {
    const found = await decodeMessage(message(
      delta([3, 4, 2], 8, 9, encodeBatch([CAR], { removed: [1, 128, 4_294_967_295] })),
      density([0, 0, 0], 5, [{ cell: 0, entities: 1 }, { cell: 4095, entities: 70_000 }], { packing: 1 }),
      pulse(1_800_000_000_000, 3, 20_000, 12_000),
      leave(2500),
    ));
    expect(found.map((f) => f.kind)).toEqual(["delta", "density", "pulse", "leave"]);
    expect(found[0]).toMatchObject({ fromSeq: 8, toSeq: 9, batch: { removed: Uint32Array.of(1, 128, 4_294_967_295) } });
    expect(found[1]).toMatchObject({ grid: 64, cells: Uint32Array.of(0, 4095), entities: Uint32Array.of(1, 70_000) });
    expect(found[2]).toMatchObject({ viewers: 3, entities: 20_000, packetsPerMinute: 12_000 });
    expect(found[3]).toEqual({ kind: "leave", delayMs: 2500 });
  });

  test("a packed delta says the same", async () => {
    const said = (packing: number) => decodeMessage(message(delta([3, 4, 2], 8, 9, encodeBatch([CAR, WX], { removed: [9] }), packing)));
    expect(await said(1)).toEqual(await said(0));
    await expect(decodeMessage(message(frame(7, [3, 4, 0, 2, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff])))).rejects.toBeInstanceOf(WireError);
  });

  test("unknown kinds are skipped, what follows is read", async () => {
    const found = await decodeMessage(message(frame(99, [1, 2, 3]), leave(1)));
    expect(found).toEqual([{ kind: "leave", delayMs: 1 }]);
  });

  test("range and interval are read when they are there, and none when an older server leaves them out", () => {
    const one = { ...CAR, range: 305, interval: 20 };
    const now = decodeBatch(encodeBatch([one], { removed: [9] }));
    expect([now.range[0], now.interval[0], now.names[0], [...now.removed]]).toEqual([305, 20, CAR.name, [9]]);
    const then = decodeBatch(encodeBatch([one], { removed: [9], old: true }));
    expect([then.range[0], then.interval[0], then.names[0], [...then.removed]]).toEqual([0, 0, CAR.name, [9]]);
  });

  test("columns of a later version are skipped by the stride", () => {
    const batch = decodeBatch(encodeBatch([CAR, WX], { extra: 5, removed: [9] }));
    expect(batch.names).toEqual(["N0CALL-9", "WX"]);
    expect([...batch.removed]).toEqual([9]);
  });

  test("names are UTF-8, else single bytes", () => {
    const named = (id: number, name: number[]) => ({ ...CAR, id, name });
    const batch = decodeBatch(encodeBatch([named(1, [0xc3, 0xa9]), named(2, [0x41, 0xe9]), named(3, [])]));
    expect(batch.names).toEqual(["é", "Aé", ""]);
  });
});

describe("hostile bytes", () => {
  test("another version asks for a new page, not for a retry", async () => {
    await expect(decodeMessage(Uint8Array.of(2))).rejects.toBeInstanceOf(WireVersionError);
  });

  test("each cut of a message is refused with a WireError or is a whole number of frames", async () => {
    const first = frame(6, [1, 0, 0, 0]);
    const whole = message(first, snapshot([9, 1, 1], 1, encodeBatch([CAR, WX], { removed: [2] })));
    for (let end = 0; end < whole.length; end++) {
      const cut = whole.slice(0, end);
      const boundary = end === 1 || end === 1 + first.length;
      if (boundary) await expect(decodeMessage(cut)).resolves.toHaveLength(end === 1 ? 0 : 1);
      else await expect(decodeMessage(cut)).rejects.toBeInstanceOf(WireError);
    }
  });

  test("a count that cannot fit is refused before anything is allocated", () => {
    const body = Uint8Array.from([0, 0, 0, 0, 15, ...varint(0xffff_ffff), 1, 2, 3]);
    expect(() => decodeBatch(body)).toThrow(/entity count of 4294967295 cannot fit/);
  });

  test("varints over five bytes or over 32 bits", () => {
    const batch = (count: number[]) => () => decodeBatch(Uint8Array.from([0, 0, 0, 0, 12, ...count, 0, 0]));
    expect(batch([0x80, 0x80, 0x80, 0x80, 0x80, 0])).toThrow(WireError);
    expect(batch([0xff, 0xff, 0xff, 0xff, 0x1f])).toThrow(WireError);
  });

  test.each([
    ["short stride", frame(3, [9, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0])],
    ["tile outside its level", snapshot([3, 8, 0], 1, encodeBatch([]))],
    ["level that no map has", snapshot([40, 0, 0], 1, encodeBatch([]))],
    ["unknown packing", frame(2, [3, 0, 0, 0, 0, 1, 0, 0, 0, 7])],
    ["broken DEFLATE", frame(2, [3, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff])],
    ["cell outside its grid", density([0, 0, 0], 1, [{ cell: 4096, entities: 1 }])],
  ])("%s", async (_what, bad) => {
    await expect(decodeMessage(message(bad))).rejects.toBeInstanceOf(WireError);
  });

  test("a bomb is stopped while it inflates", async () => {
    const bomb = deflateRawSync(Buffer.alloc(40 * 1024 * 1024));
    const body = [3, 0, 0, 0, 0, 1, 0, 0, 0, 1, ...bomb];
    await expect(decodeMessage(message(frame(2, body)))).rejects.toThrow(/inflates to over/);
  });

  test("random bytes never do worse than a WireError", async () => {
    let state = 1;
    const random = (n: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % n;
    };
    const good = message(
      hello(1n, 2), snapshot([5, 1, 1], 1, encodeBatch([CAR, WX])), delta([5, 1, 1], 1, 2, encodeBatch([WX])),
      delta([5, 1, 1], 2, 3, encodeBatch([WX]), 1),
    );
    for (let round = 0; round < 1000; round++) {
      const bad = good.slice();
      for (let i = 0; i <= random(4); i++) bad[1 + random(bad.length - 1)] = random(256);
      try {
        await decodeMessage(bad);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }
  });
});

/** What the server writes (crates/live/tests/vectors.rs): NAME.bin is a message, NAME.json what it says. */
const VECTORS = new URL("../../../testdata/wire/", import.meta.url).pathname;

interface SaidEntity {
  id: number; x: number; y: number; heard_s: number; symbol_table: string; symbol_code: string;
  course: number; flags: number; speed: number; range: number; interval: number; name: string;
}

function saidOf(baseTimeS: number, batch: Batch, heardKnown: (i: number) => boolean): (SaidEntity | object)[] {
  return batch.names.map((name, i) => ({
    id: batch.ids[i], x: batch.x[i], y: batch.y[i],
    heard_s: heardKnown(i) ? baseTimeS - 2 * (batch.age[i] as number) : undefined,
    symbol_table: String.fromCharCode(batch.symbolTable[i] as number), symbol_code: String.fromCharCode(batch.symbolCode[i] as number),
    course: batch.course[i], flags: batch.flags[i], speed: batch.speed[i], range: batch.range[i], interval: batch.interval[i], name,
  }));
}

function said(frame: Frame, like: { entities?: SaidEntity[] }): object {
  const tile = "tile" in frame ? { tile: [frame.tile.level, frame.tile.x, frame.tile.y] } : {};
  switch (frame.kind) {
    case "hello": return { kind: "hello", epoch: frame.epoch, server_time_ms: frame.serverTimeMs, tick_ms: frame.tickMs, version: frame.version };
    case "snapshot":
    case "delta": {
      const { batch } = frame;
      // An age over the column's end is only known to be long: it is compared as what the file says.
      const entities = saidOf(batch.baseTimeS, batch, (i) => batch.age[i] !== 65535).map((entity, i) => {
        return batch.age[i] === 65535 ? { ...entity, heard_s: like.entities?.[i]?.heard_s } : entity;
      });
      const seq = frame.kind === "snapshot" ? { seq: frame.seq } : { from_seq: frame.fromSeq, to_seq: frame.toSeq };
      return { kind: frame.kind, ...tile, ...seq, base_time_s: batch.baseTimeS, entities, removed: [...batch.removed] };
    }
    case "density":
      return { kind: "density", ...tile, seq: frame.seq, base_time_s: frame.baseTimeS, cells: [...frame.cells].map((cell, i) => [cell, frame.entities[i]]) };
    case "pulse":
      return { kind: "pulse", server_time_ms: frame.serverTimeMs, viewers: frame.viewers, entities: frame.entities, packets_per_minute: frame.packetsPerMinute };
    case "leave": return { kind: "leave", delay_ms: frame.delayMs };
  }
}

describe("messages of the server", () => {
  test.each(readdirSync(VECTORS).filter((name) => name.endsWith(".json")))("%s", async (name) => {
    const expected = JSON.parse(readFileSync(VECTORS + name, "utf8")) as { entities?: SaidEntity[] }[];
    const frames = await decodeMessage(new Uint8Array(readFileSync(VECTORS + name.replace(".json", ".bin"))));
    expect(frames.map((frame, i) => said(frame, expected[i] ?? {}))).toEqual(expected);
  });
});
