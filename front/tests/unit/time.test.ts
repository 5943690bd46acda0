/** Time travel: the reader of blocks, the world of a past moment, the player, and what the bar reckons. */
import { readFileSync, readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WireError, WireVersionError, decodeText } from "../../src/live/wire";
import { BLOCK_S, GONE, QUIET, decodeBlock } from "../../src/time/blocks";
import { endOf, firstOf, localInput, parseLocal, windowOf } from "../../src/time/moments";
import { Player } from "../../src/time/player";
import { type TestMover, encodeBlock } from "../history-encoder.mjs";

const TILE: [number, number, number] = [9, 272, 177];
/** The place of a step of that tile on the map. */
const at = (step: number, tile: number) => (tile + step / 16384) / 512;

describe("vectors of the server", () => {
  const folder = new URL("../../../testdata/history/", import.meta.url).pathname;
  const vectors = readdirSync(folder).filter((name) => name.endsWith(".bin"));

  test("are there", () => expect(vectors).toEqual(["density.bin", "hour.bin", "moves.bin", "whole.bin"]));

  interface Said { name: number[]; symbol_table: number; symbol_code: number; flags: number }
  interface SaidKey extends Said { course: number; speed: number; x: number; y: number; age_min: number }
  interface SaidMoves extends Said { events: { what: string; at_s: number; course?: number; x?: number; y?: number; speed?: number }[] }

  test.each(vectors)("%s says what it should", async (name) => {
    const said = JSON.parse(readFileSync(folder + name.replace(".bin", ".json"), "utf8")) as {
      level: number; x: number; y: number; block: number; span_s: number; covered_s: number;
      grid?: number; cells?: { cell: number; entities: number }[]; key?: SaidKey[]; moves?: SaidMoves[];
    };
    const read = await decodeBlock(new Uint8Array(readFileSync(folder + name)));
    expect([read.tile, read.block, read.spanS, read.coveredS]).toEqual([
      { level: said.level, x: said.x, y: said.y }, said.block, said.span_s, said.covered_s,
    ]);
    expect(read.cells).toEqual(said.cells ?? []);
    const side = 2 ** said.level * 16384;
    const place = (step: number, tile: number) => (tile * 16384 + step) / side;
    const key = read.key;
    expect(key?.count).toBe(said.key?.length);
    for (const [i, one] of (said.key ?? []).entries()) {
      expect([key?.names[i], key?.flags[i], key?.symbolTable[i], key?.symbolCode[i], key?.course[i], key?.speed[i], key?.ageMin[i]]).toEqual([
        decodeText(Uint8Array.from(one.name)), one.flags, one.symbol_table, one.symbol_code, one.course, one.speed, one.age_min,
      ]);
      expect(key?.x[i]).toBeCloseTo(place(one.x, said.x), 12);
      expect(key?.y[i]).toBeCloseTo(place(one.y, said.y), 12);
    }
    const moves = read.moves;
    expect(moves?.names).toEqual(said.moves?.map((one) => decodeText(Uint8Array.from(one.name))));
    for (const [i, event] of (said.moves ?? []).flatMap((one) => one.events).entries()) {
      expect([moves?.what[i], moves?.atS[i]]).toEqual([{ gone: GONE, quiet: QUIET }[event.what] ?? event.course, event.at_s]);
      if (event.what !== "fix") continue;
      expect(moves?.x[i]).toBeCloseTo(place(event.x as number, said.x), 12);
      expect(moves?.speed[i]).toBe(event.speed);
    }
  });
});

describe("reading", () => {
  const car: TestMover = { name: "CAR", events: [{ what: 45, atS: 10, x: 5, y: 6, speed: 50 }, { what: "quiet", atS: 20 }, { what: 255, atS: 600, x: -3, y: 20000 }] };

  test("what the encoder writes, under DEFLATE too", async () => {
    const content = { key: [{ name: "é", x: 16383, y: 0, ageMin: 119 }], moves: [car, { name: "A", events: [{ what: "gone" as const, atS: 0 }] }] };
    for (const packing of [0, 1]) {
      const { key, moves, coveredS } = await decodeBlock(encodeBlock(TILE, 7, content, { packing, coveredS: 600 }));
      expect([key?.names, key?.x[0], key?.ageMin[0], coveredS]).toEqual([["é"], at(16383, 272), 119, 600]);
      expect([moves?.names, [...(moves?.what ?? [])], [...(moves?.atS ?? [])]]).toEqual([["A", "CAR"], [GONE, 45, QUIET, 255], [0, 10, 20, 600]]);
      expect([moves?.x[3], moves?.y[3], moves?.x[2]]).toEqual([at(-3, 272), at(20000, 177), Number.NaN]);
    }
  });

  test("each cut and each wrong byte is a WireError or readable", async () => {
    const good = encodeBlock(TILE, 7, { key: [{ name: "A", x: 1, y: 2 }], moves: [car] });
    for (let end = 0; end < good.length; end++) await expect(decodeBlock(good.slice(0, end))).rejects.toBeInstanceOf(WireError);
    for (let i = 1; i < good.length; i++) {
      const bad = good.slice();
      bad[i] = 0xff;
      await decodeBlock(bad).catch((error: unknown) => expect(error).toBeInstanceOf(WireError));
    }
    good[0] = 2;
    await expect(decodeBlock(good)).rejects.toBeInstanceOf(WireVersionError);
  });

  test("counts that lie allocate nothing", async () => {
    const lying = [1, 9, 16, 1, 177, 0, 7, 0, 0, 0, 88, 2, 88, 2, 0];
    await expect(decodeBlock(Uint8Array.from([...lying, 1, 0xff, 0xff, 0xff, 0xff, 0x0f]))).rejects.toThrow(/cannot fit/);
    await expect(decodeBlock(Uint8Array.from([...lying, 0, 1, 1, 65, 47, 62, 0, 0xff, 0xff, 0x7f]))).rejects.toThrow(/cannot fit/);
  });
});

/** A server of blocks out of a table; tells what was asked for. */
function serve(answer: (path: string) => Uint8Array | null): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    const body = answer(path);
    return body === null ? new Response(null, { status: 503 }) : new Response(body as Uint8Array<ArrayBuffer>);
  });
  return asked;
}

describe("the player", () => {
  const FIRST = 2_940_000;
  const startMs = FIRST * BLOCK_S * 1000;
  /** A view that needs just that one tile. */
  const view = { zoom: 12, west: 272.45 / 512, east: 272.55 / 512, north: 177.45 / 512, south: 177.55 / 512 };
  let frames: ((at: number) => void)[] = [];
  let clock = 0;

  beforeEach(() => {
    frames = [];
    clock = 0;
    vi.stubGlobal("requestAnimationFrame", (run: (at: number) => void) => frames.push(run));
    vi.stubGlobal("cancelAnimationFrame", () => {
      frames = [];
    });
    vi.spyOn(performance, "now").mockImplementation(() => clock);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  /** A picture so many milliseconds later. */
  const picture = async (ms: number) => {
    clock += ms;
    for (const run of frames.splice(0)) run(clock);
    await settled();
  };
  const settled = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
  };

  const found = (player: Player, name: string) => {
    const { entities } = player.world;
    for (let slot = 0; slot < entities.length; slot++) if (entities.present[slot] === 1 && entities.name(slot) === name) return slot;
    return null;
  };
  const x = (player: Player, name: string) => {
    const slot = found(player, name);
    return slot === null ? null : Math.round(((player.world.entities.x[slot] as number) * 512 - 272) * 16384);
  };

  const standing = [{ name: "CAR", x: 1000, y: 8000, speed: 50 }, { name: "OBJ", flags: 1, x: 8000, y: 8000 }, { name: "OLD", x: 9000, y: 8000, ageMin: 60 }];
  const driving: TestMover[] = [
    { name: "CAR", events: [{ what: 45, atS: 100, x: 2000, y: 8000 }, { what: 45, atS: 500, x: 3000, y: 8000 }] },
    { name: "OBJ", flags: 1, events: [{ what: "gone", atS: 200 }] },
    { name: "NEW", events: [{ what: 255, atS: 300, x: 4000, y: 4000 }] },
  ];

  async function begun(seconds: number, smooth = true): Promise<Player> {
    const player = new Player(startMs + seconds * 1000);
    player.smooth = smooth;
    player.endMs = () => startMs + 86_400_000;
    player.setView(view);
    await settled();
    return player;
  }

  test("shows a moment in the middle of a block: who moved, who is gone, who is not there yet", async () => {
    const asked = serve(() => encodeBlock(TILE, FIRST, { key: standing, moves: driving }));
    const player = await begun(250);
    expect(asked).toEqual([`/history/v1/9/272/177/${FIRST}`]);
    expect([x(player, "CAR"), x(player, "OBJ"), x(player, "OLD"), x(player, "NEW")]).toEqual([2167, null, 9000, null]);
    expect(player.waiting.value).toBe(false);
    // Back before the kill.
    player.seek(startMs + 150_000);
    await settled();
    expect([x(player, "OBJ"), x(player, "CAR")]).toEqual([8000, 2000]);
  });

  test("between two fixes it moves in the last five minutes, or jumps where motion is not wanted", async () => {
    serve(() => encodeBlock(TILE, FIRST, { key: standing, moves: driving }));
    const seen: (number | null)[] = [];
    for (const second of [50, 100, 199, 200, 350, 500]) seen.push(x(await begun(second), "CAR"));
    expect(seen).toEqual([1500, 2000, 2000, 2000, 2500, 3000]);
    expect([x(await begun(99, false), "CAR"), x(await begun(100, false), "CAR")]).toEqual([1000, 2000]);
  });

  test("ages are reckoned by the clock of the page", async () => {
    serve(() => encodeBlock(TILE, FIRST, { key: standing, moves: driving }));
    const player = await begun(10);
    player.world.age(player.nowS);
    const ageS = (name: string) => Date.now() / 1000 - (player.world.entities.heardS[found(player, name) as number] as number);
    expect(ageS("OBJ")).toBeLessThan(2);
    expect(ageS("OLD")).toBeGreaterThan(3605);
    expect(ageS("OLD")).toBeLessThan(3615);
  });

  test("goes on from block to block, and waits where none has come", async () => {
    let held = true;
    const asked = serve((path) => {
      if (path.endsWith("/moves")) {
        const block = Number(path.split("/")[6]);
        return held ? null : encodeBlock(TILE, block, { moves: [{ name: "NEW", events: [{ what: 0, atS: 10, x: 5000, y: 4000 }] }] });
      }
      return encodeBlock(TILE, FIRST, { key: standing, moves: driving });
    });
    const player = await begun(595);
    player.speed.value = 60;
    player.play(true);
    await picture(16);
    expect(asked.at(-1)).toBe(`/history/v1/9/272/177/${FIRST + 1}/moves`);
    expect(player.failed.value).toBe("HTTP 503");
    for (let i = 0; i < 5; i++) await picture(200);
    expect(player.nowMs.value).toBeLessThanOrEqual(startMs + 600_000);
    held = false;
    await vi.waitFor(async () => {
      await picture(200);
      expect(player.nowMs.value).toBeGreaterThan(startMs + 615_000);
    }, { timeout: 8000 });
    expect([x(player, "NEW"), player.failed.value]).toEqual([5000, ""]);
  }, 15_000);

  test("plays hours at high speed, and never more than a quarter of a second a picture", async () => {
    const asked = serve((path) => {
      const block = Number(path.split("/")[6]);
      if (path.endsWith("/hour")) return encodeBlock(TILE, block, { moves: [] }, { spanS: 3600 });
      return encodeBlock(TILE, block, path.endsWith("/moves") ? { moves: [] } : { key: standing, moves: [] });
    });
    const player = await begun(0);
    player.speed.value = 3600;
    player.play(true);
    await picture(10_000);
    expect(player.nowMs.value).toBeLessThanOrEqual(startMs + 900_000);
    for (let i = 0; i < 12; i++) await picture(250);
    expect(asked[0]).toBe(`/history/v1/9/272/177/${FIRST}`);
    // FIRST begins an hour: its other blocks come one by one, then whole hours.
    expect(FIRST % 6).toBe(0);
    expect(asked.filter((path) => path.endsWith("/moves"))).toHaveLength(5);
    expect(asked.filter((path) => path.endsWith("/hour")).slice(0, 2)).toEqual([6, 12].map((more) => `/history/v1/9/272/177/${FIRST + more}/hour`));
    player.stop();
    expect(frames).toHaveLength(0);
  });

  test("a pan gets the new tile alone, another level everything", async () => {
    const asked = serve((path) => {
      const [level, tx, ty, block] = path.split("/").slice(3, 7).map(Number) as [number, number, number, number];
      return encodeBlock([level, tx, ty], block, { key: level === 9 && tx === 273 ? [{ name: "EAST", x: 1, y: 1 }] : standing, moves: [] });
    });
    const player = await begun(10);
    player.setView({ ...view, west: 272.95 / 512, east: 273.05 / 512 });
    await settled();
    expect(asked).toEqual([`/history/v1/9/272/177/${FIRST}`, `/history/v1/9/273/177/${FIRST}`]);
    expect([found(player, "EAST"), found(player, "CAR")].every((slot) => slot !== null)).toBe(true);
    player.setView({ ...view, zoom: 10 });
    await settled();
    expect(asked.slice(2).every((path) => path.startsWith("/history/v1/7/"))).toBe(true);
    expect(found(player, "EAST")).toBeNull();
  });

  test("the density of a wide view changes with the blocks", async () => {
    serve((path) => {
      const block = Number(path.split("/")[6]);
      return encodeBlock([0, 0, 0], block, { cells: [{ cell: 65, entities: block - FIRST + 1 }] });
    });
    const player = new Player(startMs + 590_000);
    player.endMs = () => startMs + 86_400_000;
    player.setView({ zoom: 3, west: 0.1, east: 0.9, north: 0.1, south: 0.9 });
    await settled();
    expect(player.world.density).toEqual([{ x: 1.5 / 64, y: 1.5 / 64, entities: 1 }]);
    player.play(true);
    for (let i = 0; i < 4; i++) await picture(100);
    expect(player.world.density[0]?.entities).toBe(2);
  });

  test("the end of time is told", async () => {
    serve(() => encodeBlock(TILE, FIRST, { key: [], moves: [] }, { coveredS: 300 }));
    const player = await begun(290);
    let ended = false;
    player.endMs = () => startMs + 295_000;
    player.onEnd = () => {
      ended = true;
    };
    player.play(true);
    await picture(16);
    await picture(200);
    expect([ended, player.playing.value]).toEqual([true, false]);
  });
});

describe("moments", () => {
  const now = Date.UTC(2026, 10, 24, 12, 0, 0);

  test("the slider covers the last day, or the day of a moment before", () => {
    expect(windowOf(now - 3_600_000, now, 0)).toEqual({ fromMs: endOf(now) - 86_400_000, toMs: endOf(now) });
    expect(windowOf(now - 3_600_000, now, now - 7_200_000).fromMs).toBe(now - 7_200_000);
    const before = windowOf(now - 3 * 86_400_000, now, 0);
    expect(new Date(before.fromMs).getHours()).toBe(0);
    expect(before.toMs - before.fromMs).toBe(86_400_000);
    // The oldest packet is younger than the moment asked for: still a stretch.
    expect(windowOf(now, now, now + 5).toMs).toBeGreaterThan(windowOf(now, now, now + 5).fromMs);
  });

  test("the first moment is the whole second after the oldest packet", () => {
    expect([firstOf(0), firstOf(5000), firstOf(5001)]).toEqual([0, 5000, 6000]);
  });

  test("the date field's form", () => {
    const minute = Math.floor(now / 60_000) * 60_000;
    expect(parseLocal(localInput(minute))).toBe(minute);
    expect([parseLocal(""), parseLocal("2026-11"), parseLocal("nonsense")]).toEqual([null, null, null]);
  });
});
