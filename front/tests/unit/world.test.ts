import { beforeEach, describe, expect, test } from "vitest";
import { World } from "../../src/live/world";
import { type DeltaFrame, type DensityFrame, type SnapshotFrame, decodeMessage } from "../../src/live/wire";
import { type TestEntity, delta, density, encodeBatch, message, snapshot } from "../encoder.mjs";
import { GLIDE_MS } from "../../src/live/motion";

type Tile = [number, number, number];
const A: Tile = [9, 100, 100];
const B: Tile = [9, 101, 100];
const COARSE: Tile = [7, 25, 25];
const BASE_S = 1_800_000_000;

let clock = 0;
let frames: (() => void)[] = [];
let world: World;

const id = ([level, x, y]: Tile) => ({ level, x, y });
const entity = (n: number, more: Partial<TestEntity> = {}): TestEntity => ({ id: n, x: 100, y: 100, name: `T${n}`, ...more });

async function apply(...parts: number[][]): Promise<boolean[]> {
  const told = (await decodeMessage(message(...parts))).map((frame) => {
    if (frame.kind === "snapshot") world.applySnapshot(frame as SnapshotFrame);
    else if (frame.kind === "density") world.applyDensity(frame as DensityFrame);
    else return world.applyDelta(frame as DeltaFrame);
    return true;
  });
  world.endMessage();
  return told;
}

const slotOf = (name: string) => world.find(name) as number;
const names = () => {
  const { entities } = world;
  return Array.from({ length: entities.length }, (_, slot) => slot).filter((slot) => entities.present[slot]).map((slot) => entities.name(slot)).sort();
};

beforeEach(() => {
  clock = 1000;
  frames = [];
  world = new World((run) => frames.push(run), () => clock);
  world.setWanted([id(A), id(B)]);
});

describe("entities", () => {
  test("a snapshot fills the columns", async () => {
    await apply(snapshot(A, 5, encodeBatch([entity(1, { x: 32768, y: 16384, course: 180, speed: 505, age: 30, table: "1", code: "#", flags: 5 })])));
    const { entities } = world;
    const slot = slotOf("T1");
    expect(entities.x[slot]).toBe(100.5 / 512);
    expect(entities.y[slot]).toBe(100.25 / 512);
    expect(entities.courseDeg[slot]).toBe(360);
    expect(entities.speedKmh[slot]).toBeCloseTo(50.5);
    expect(entities.heardS[slot]).toBe(BASE_S - 60);
    expect(entities.flags[slot]).toBe(5);
    expect(world.seqOf(id(A))).toBe(5);
  });

  test("unknown course, speed and age are unknown, not zero", async () => {
    await apply(snapshot(A, 1, encodeBatch([entity(1, { age: 65535 })])));
    const slot = slotOf("T1");
    expect(world.entities.courseDeg[slot]).toBe(0xffff);
    expect(world.entities.speedKmh[slot]).toBeNaN();
    expect(world.entities.heardS[slot]).toBe(BASE_S - 131_070);
  });

  test("columns grow and slots are used again", async () => {
    const many = Array.from({ length: 3000 }, (_, i) => entity(i + 1));
    await apply(snapshot(A, 1, encodeBatch(many)));
    expect(world.size).toBe(3000);
    await apply(snapshot(A, 2, encodeBatch([])));
    expect(world.size).toBe(0);
    await apply(snapshot(A, 3, encodeBatch(many)));
    expect(world.entities.length).toBe(3000);
    expect(names()).toHaveLength(3000);
  });

  test("a later snapshot takes out what it does not hold", async () => {
    await apply(snapshot(A, 1, encodeBatch([entity(1), entity(2)])));
    await apply(snapshot(A, 2, encodeBatch([entity(2), entity(3)])));
    expect(names()).toEqual(["T2", "T3"]);
  });
});

describe("deltas", () => {
  beforeEach(() => apply(snapshot(A, 1, encodeBatch([entity(1), entity(2)])), snapshot(B, 1, encodeBatch([]))));

  test("apply in sequence only; a gap asks again, a copy does nothing", async () => {
    expect(await apply(delta(A, 1, 2, encodeBatch([entity(3)])))).toEqual([true]);
    expect(await apply(delta(A, 3, 4, encodeBatch([entity(4)])))).toEqual([false]);
    expect(await apply(delta(A, 1, 2, encodeBatch([entity(5)])))).toEqual([true]);
    expect(await apply(delta([9, 1, 1], 1, 2, encodeBatch([entity(6)])))).toEqual([false]);
    expect(names()).toEqual(["T1", "T2", "T3"]);
    expect(world.seqOf(id(A))).toBe(2);
  });

  test.each(["added first", "removed first"])("moving to another tile keeps the slot (%s)", async (order) => {
    const slot = slotOf("T1");
    const gone = delta(A, 1, 2, encodeBatch([], { removed: [1] }));
    const come = delta(B, 1, 2, encodeBatch([entity(1, { x: 200 })]));
    await apply(...(order === "added first" ? [come, gone] : [gone, come]));
    expect(slotOf("T1")).toBe(slot);
    expect(names()).toEqual(["T1", "T2"]);
  });

  test("a removal by the tile it left does not take it from where it is now", async () => {
    await apply(delta(B, 1, 2, encodeBatch([entity(1)])));
    await apply(delta(A, 1, 2, encodeBatch([], { removed: [1] })));
    expect(names()).toEqual(["T1", "T2"]);
    await apply(delta(B, 2, 3, encodeBatch([], { removed: [1] })));
    expect(names()).toEqual(["T2"]);
  });
});

describe("motion", () => {
  beforeEach(() => apply(snapshot(A, 1, encodeBatch([entity(1, { x: 1000, age: 10 })]))));
  const at = (x: number) => (100 + x / 65536) / 512;

  test("a new fix glides from where the symbol is shown", async () => {
    await apply(delta(A, 1, 2, encodeBatch([entity(1, { x: 2000, age: 5 })])));
    const slot = slotOf("T1");
    expect(world.entities.fromX[slot]).toBe(at(1000));
    expect(world.entities.x[slot]).toBe(at(2000));
    clock += GLIDE_MS / 2;
    await apply(delta(A, 2, 3, encodeBatch([entity(1, { x: 3000, age: 0 })])));
    expect(world.entities.fromX[slot]).toBeGreaterThan(at(1000));
    expect(world.entities.fromX[slot]).toBeLessThan(at(2000));
    expect(world.entities.movedAtMs[slot]).toBe(clock);
  });

  test("an older fix moves nothing and makes nothing younger", async () => {
    await apply(delta(A, 1, 2, encodeBatch([entity(1, { x: 50, age: 200 })])));
    const slot = slotOf("T1");
    expect(world.entities.x[slot]).toBe(at(1000));
    expect(world.entities.heardS[slot]).toBe(BASE_S - 20);
  });

  test("a far fix jumps", async () => {
    await apply(delta(A, 1, 2, encodeBatch([entity(1, { x: 60000 })])));
    const slot = slotOf("T1");
    expect(world.entities.fromX[slot]).toBe(world.entities.x[slot]);
  });

  test("the same fix by a coarser tile is no motion", async () => {
    world.setWanted([id(A), id(COARSE)]);
    const before = world.entities.movedAtMs[slotOf("T1")];
    await apply(snapshot(COARSE, 1, encodeBatch([entity(1, { x: 250, y: 25, age: 10 })])));
    const slot = slotOf("T1");
    expect(world.entities.movedAtMs[slot]).toBe(before);
    expect(world.entities.fromX[slot]).toBe(world.entities.x[slot]);
  });
});

describe("tiles no longer wanted", () => {
  beforeEach(() => apply(snapshot(A, 1, encodeBatch([entity(1), entity(2)])), snapshot(B, 1, encodeBatch([entity(3)]))));

  test("are kept for a while, then let go with what they alone knew", async () => {
    world.setWanted([id(COARSE)]);
    await apply(snapshot(COARSE, 1, encodeBatch([entity(1)])));
    clock += 999;
    world.dropUnwanted(1000);
    expect(names()).toEqual(["T1", "T2", "T3"]);
    expect(world.seqOf(id(A))).toBe(1);
    clock += 2;
    world.dropUnwanted(1000);
    expect(names()).toEqual(["T1"]);
    expect(world.seqOf(id(A))).toBeUndefined();
  });

  test("have no say: what the followed tile removes is gone at once", async () => {
    world.setWanted([id(COARSE)]);
    await apply(snapshot(COARSE, 1, encodeBatch([entity(1), entity(2)])));
    world.setWanted([id(A)]);
    await apply(delta(A, 1, 2, encodeBatch([], { removed: [1] })));
    expect(names()).toEqual(["T2", "T3"]);
  });

  test("a new epoch keeps the picture until its first tile, then starts over", async () => {
    world.beginEpoch();
    expect(world.seqOf(id(A))).toBeUndefined();
    expect(await apply(delta(A, 1, 2, encodeBatch([entity(9)])))).toEqual([false]);
    expect(names()).toEqual(["T1", "T2", "T3"]);
    await apply(snapshot(A, 1, encodeBatch([entity(1, { name: "OTHER" })])));
    expect(names()).toEqual(["OTHER"]);
  });
});

describe("listening", () => {
  test("listeners hear once a frame, and learn which slots changed", async () => {
    let heard = 0;
    world.onChange(() => heard++);
    await apply(snapshot(A, 1, encodeBatch([entity(1), entity(2)])));
    const version = world.entities.version;
    await apply(delta(A, 1, 2, encodeBatch([entity(2)])));
    await apply(delta(A, 2, 3, encodeBatch([], { removed: [1] })));
    expect(frames).toHaveLength(1);
    for (const run of frames.splice(0)) run();
    expect(heard).toBe(1);
    expect(new Set(world.entities.changedSince(version))).toEqual(new Set([0, 1]));
    expect([...(world.entities.changedSince(world.entities.version) ?? [])]).toEqual([]);
  });

  test("too many changes to list are null", async () => {
    const version = world.entities.version;
    const many = Array.from({ length: 20_000 }, (_, i) => entity(i + 1));
    await apply(snapshot(A, 1, encodeBatch(many)));
    expect(world.entities.changedSince(version)).not.toBeNull();
    await apply(snapshot(A, 2, encodeBatch(many)));
    expect(world.entities.changedSince(version)).toBeNull();
  });

  test("density is there only while it is followed", async () => {
    world.setWanted([{ level: 0, x: 0, y: 0 }]);
    await apply(density([0, 0, 0], 1, [{ cell: 65, entities: 12 }]));
    expect(world.density).toEqual([{ x: 1.5 / 64, y: 1.5 / 64, entities: 12 }]);
    world.setWanted([id(A)]);
    expect(world.density).toEqual([]);
  });
});
