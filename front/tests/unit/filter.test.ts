import { expect, test } from "vitest";
import { EVERYTHING, type Filter, parseFilter, symbolOf, test as passes, writeFilter } from "../../src/live/filter";
import { World } from "../../src/live/world";
import type { SnapshotFrame } from "../../src/live/wire";
import { decodeMessage } from "../../src/live/wire";
import { encodeBatch, message, snapshot } from "../encoder.mjs";

const NOW_S = 1_800_000_000;

async function shown(filter: Partial<Filter>): Promise<string[]> {
  const world = new World(() => {}, () => 0);
  world.setWanted([{ level: 9, x: 1, y: 1 }]);
  const [frame] = await decodeMessage(message(snapshot([9, 1, 1], 1, encodeBatch([
    { id: 1, x: 1, y: 1, name: "CAR", code: ">", flags: 4 | 128, speed: 500, age: 10 },
    { id: 2, x: 1, y: 1, name: "WX", code: "_", flags: 8, speed: 65535, age: 600 },
    { id: 3, x: 1, y: 1, name: "DIGI", table: "1", code: "#", flags: 1 | 4, speed: 0, age: 4000 },
    { id: 4, x: 1, y: 1, name: "ITEM", code: "-", flags: 2, age: 65535 },
  ]))));
  world.applySnapshot(frame as SnapshotFrame);
  const test = passes({ ...EVERYTHING, ...filter });
  const { entities } = world;
  return ["CAR", "WX", "DIGI", "ITEM"].filter((name) => test === null || test(entities, world.find(name) as number, NOW_S));
}

test("nothing chosen shows everything", () => expect(passes(EVERYTHING)).toBeNull());

test.each<[Partial<Filter>, string[]]>([
  [{ kind: "station" }, ["CAR", "WX"]], [{ kind: "object" }, ["DIGI"]], [{ kind: "item" }, ["ITEM"]],
  [{ heard: "radio" }, ["CAR", "DIGI"]], [{ heard: "internet" }, ["WX", "ITEM"]],
  [{ heard: "direct" }, ["CAR"]], [{ heard: "direct", kind: "object" }, []],
  [{ moving: true }, ["CAR"]], [{ weather: true }, ["WX"]],
  [{ ageMin: 1 }, ["CAR"]], [{ ageMin: 60 }, ["CAR", "WX"]],
  [{ symbols: ["/>", "\\#"] }, ["CAR", "DIGI"]],
  [{ heard: "radio", kind: "object", moving: true }, []],
])("%j", async (filter, names) => expect(await shown(filter)).toEqual(names));

test("the address keeps a filter", () => {
  const filter: Filter = { kind: "object", symbols: ["//", "\\\\", "/&", "/>"], heard: "radio", moving: true, weather: true, ageMin: 30 };
  const query = new URLSearchParams();
  writeFilter(filter, query);
  expect(parseFilter(`?${query.toString()}`)).toEqual(filter);
  const none = new URLSearchParams();
  writeFilter(EVERYTHING, none);
  expect(none.toString()).toBe("");
});

test("the address tells heard directly", () => expect(parseFilter("?heard=direct")).toEqual({ ...EVERYTHING, heard: "direct" }));

test.each(["?only=evil", "?age=-1", "?age=1e3", "?age=99999", "?heard=x", "?moving=yes", "?symbols=xyz", "?symbols=", ""])("%s filters nothing", (search) =>
  expect(parseFilter(search)).toEqual(EVERYTHING));

test("an overlay is its alternate table", () => {
  const entities = new World(() => {}).entities;
  entities.symbolTable = Uint8Array.from([65, 92, 47]);
  entities.symbolCode = Uint8Array.from([35, 35, 35]);
  expect([0, 1, 2].map((slot) => symbolOf(entities, slot))).toEqual(["\\#", "\\#", "/#"]);
});
