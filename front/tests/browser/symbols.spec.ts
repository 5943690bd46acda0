/** Every symbol of both tables, with and without overlays, as the map draws it, at one and at two device pixels. */
import { readFileSync } from "node:fs";
import { type Page, expect, test } from "@playwright/test";
import type { TestEntity } from "../encoder.mjs";
import { ADDRESS, STEPS, script } from "./scripted";
import { live, watchTrouble } from "./trouble";

test.skip(process.env["GODWIT_URL"] !== undefined, "writes the stream itself");
watchTrouble();
test.setTimeout(120_000);

const { symbols } = JSON.parse(readFileSync(new URL("../../../assets/symbols/symbols.json", import.meta.url), "utf8")) as {
  symbols: { table: string; code: string; name: string; rotates: boolean }[];
};
const COLUMNS = 24;
const CELL = 44;
const LEFT = -(COLUMNS * CELL) / 2;
const TOP = -400;
const unknown = symbols.findIndex((one) => one.name === "Unassigned");
/** What has no picture of its own. */
const without = (name: string) => ["Unassigned", "Reserved", "TNC stream switch"].includes(name);
/** Two codes for one thing: one picture. */
const SAME = [["/#", "\\#"], ["/&", "\\&"], ["/W", "\\p"], ["\\F", "\\e"]];
const same = (a: number, b: number) => SAME.some((pair) => pair.includes(`${cells[a]?.table}${cells[a]?.code}`) && pair.includes(`${cells[b]?.table}${cells[b]?.code}`));

interface Cell {
  what: string;
  table: string;
  code: string;
  course: number;
}
const cells: Cell[] = [
  ...symbols.map(({ table, code, name }) => ({ what: `${table}${code} ${name}`, table, code, course: 255 })),
  // Each symbol of the alternate table with an overlay, and each overlay on one symbol.
  ...symbols.filter((one) => one.table !== "/").map(({ code, name }) => ({ what: `B${code} ${name}`, table: "B", code, course: 255 })),
  ...[..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"].map((table) => ({ what: `${table}#`, table, code: "#", course: 255 })),
  // Eastwards: 90 degrees.
  ...symbols.map(({ table, code, name }) => ({ what: `${table}${code} ${name} eastwards`, table, code, course: 45 })),
];

const entities: TestEntity[] = cells.map(({ table, code, course }, i) => ({
  id: i + 1, name: "", table, code, course, age: 0,
  x: 32_768 + Math.round((LEFT + (i % COLUMNS) * CELL + CELL / 2) * STEPS), y: 32_768 + Math.round((TOP + Math.floor(i / COLUMNS) * CELL + CELL / 2) * STEPS),
}));

/** How the map has drawn the cells: their ink, how unlike given pairs of them are, and the sheet as a picture. */
function drawn(page: Page, pairs: readonly (readonly [number, number])[]): Promise<{ ink: number[]; unlike: number[]; sheet: string }> {
  return page.evaluate(({ count, columns, cell, left, top, wanted }) => {
    const canvas = document.querySelectorAll<HTMLCanvasElement>(".overlay canvas")[2] as HTMLCanvasElement;
    const ratio = canvas.width / canvas.clientWidth;
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [columns * cell * ratio, Math.ceil(count / columns) * cell * ratio];
    const context = copy.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
    context.drawImage(canvas, -(canvas.width / 2 + left * ratio), -(canvas.height / 2 + top * ratio));
    const side = Math.round(cell * ratio);
    const cells = Array.from({ length: count }, (_, i) =>
      context.getImageData(Math.round((i % columns) * cell * ratio), Math.round(Math.floor(i / columns) * cell * ratio), side, side).data);
    const ink = cells.map((data) => {
      let pixels = 0;
      for (let i = 3; i < data.length; i += 4) if ((data[i] as number) > 60) pixels++;
      return pixels;
    });
    // The part of the inked pixels of two cells that are not alike.
    const unlike = wanted.map(([one, other]) => {
      const [a, b] = [cells[one] as Uint8ClampedArray, cells[other] as Uint8ClampedArray];
      let [off, all] = [0, 0];
      for (let i = 0; i < a.length; i += 4) {
        if (((a[i + 3] as number) | (b[i + 3] as number)) < 60) continue;
        all++;
        for (let n = 0; n < 4; n++) {
          if (Math.abs((a[i + n] as number) - (b[i + n] as number)) <= 70) continue;
          off++;
          break;
        }
      }
      return off / all;
    });
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#f4f2ec";
    context.fillRect(0, 0, copy.width, copy.height);
    return { ink, unlike, sheet: copy.toDataURL("image/png") };
  }, { count: cells.length, columns: COLUMNS, cell: CELL, left: LEFT, top: TOP, wanted: pairs });
}

/** Every two of these. */
const everyTwo = (list: readonly number[]) => list.flatMap((a, at) => list.slice(at + 1).map((b) => [a, b] as const));

for (const [scale, deviceScaleFactor] of [["1x", 1], ["2x", 2]] as const) {
  test(`every symbol is drawn, and none as the unknown one, ${scale}`, async ({ browser }, info) => {
    test.skip(info.project.name !== "desktop", "the sheet needs a wide view; phones draw the same");
    const context = await browser.newContext({ baseURL: info.project.use.baseURL as string, viewport: { width: 1440, height: 1100 }, deviceScaleFactor, locale: "en-GB" });
    const page = await context.newPage();
    await script(page, entities);
    await live(page, ADDRESS);
    await expect.poll(async () => (await drawn(page, [])).ink.filter((one) => one > 0).length).toBe(cells.length);
    const n = symbols.length;
    const all = symbols.map((_, i) => i);
    const strange = all.map((i) => [i, unknown] as const);
    const turned = all.map((i) => [i, cells.length - n + i] as const);
    const overlaid = all.slice(0, 94).map((i) => [94 + i, n + i] as const);
    const overlays = everyTwo(Array.from({ length: 36 }, (_, i) => n + 94 + i));
    const meant = everyTwo(all.filter((i) => !without(symbols[i]?.name as string))).filter(([a, b]) => symbols[a]?.name !== symbols[b]?.name);
    const { ink, unlike, sheet } = await drawn(page, [...strange, ...turned, ...overlaid, ...overlays, ...meant]);
    await info.attach(`symbols-${scale}`, { body: Buffer.from(sheet.split(",")[1] as string, "base64"), contentType: "image/png" });
    const next = () => unlike.shift() as number;
    const what = (i: number) => cells[i]?.what;
    const faults: string[] = [];
    ink.forEach((one, i) => {
      if (one < 90 * deviceScaleFactor ** 2) faults.push(`${what(i)}: ${one} pixels`);
    });
    for (const [i] of strange) {
      const alike = next() < 0.1;
      if (without(symbols[i]?.name as string) !== alike) faults.push(`${what(i)}: ${alike ? "looks like" : "does not look like"} the unknown one`);
    }
    for (const [i] of turned) {
      const turns = next() > 0.1;
      if (turns !== symbols[i]?.rotates) faults.push(`${what(i)}: ${turns ? "turns" : "does not turn"}`);
    }
    for (const [, i] of overlaid) if (next() < 0.05) faults.push(`${what(i)}: no overlay is seen`);
    for (const [a, b] of overlays) if (next() < 0.02) faults.push(`${what(a)} looks like ${what(b)}`);
    // Numbers in a circle differ by a few pixels.
    for (const [a, b] of meant) if (next() < 0.003 && !same(a, b)) faults.push(`${what(a)} looks like ${what(b)}`);
    expect(faults).toEqual([]);
    await context.close();
  });
}
