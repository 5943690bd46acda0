/** Many in view: the numbers of crowds are true, and names never lie over one another. Seen in what the page draws. */
import { type Page, expect, test } from "@playwright/test";
import { vectorTile } from "../mvt";
import { type Tile, addressOf, at, script } from "./scripted";
import { live, query, watchTrouble } from "./trouble";

test.skip(process.env["GODWIT_URL"] !== undefined, "writes the stream itself");
watchTrouble();
test.beforeEach(({ page }) => page.route("**/api/v1/stations/**", (route) => route.fulfill({ json: { points: [], truncated: false } })));
test.setTimeout(90_000);

interface Drawn {
  texts: string[];
  /** West, north, width, height of the grounds of names. */
  plates: [number, number, number, number][];
}

/** What the canvas above the symbols holds since it was last made empty. */
async function watchDrawing(page: Page): Promise<() => Promise<Drawn>> {
  await page.addInitScript(() => {
    const drawn = new WeakMap<object, Drawn>();
    (window as unknown as { drawn: typeof drawn }).drawn = drawn;
    const of = (context: CanvasRenderingContext2D): Drawn => {
      const known = drawn.get(context.canvas) ?? { texts: [], plates: [] };
      drawn.set(context.canvas, known);
      return known;
    };
    const { clearRect, fillText, roundRect } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
      drawn.delete(this.canvas);
      return clearRect.apply(this, box);
    };
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
      of(this).texts.push(text);
      return fillText.call(this, text, ...rest);
    };
    CanvasRenderingContext2D.prototype.roundRect = function (x, y, width, height, radii) {
      of(this).plates.push([x, y, width, height]);
      return roundRect.call(this, x, y, width, height, radii);
    };
  });
  return () => page.evaluate(() => {
    const canvas = document.querySelectorAll(".overlay canvas")[3] as HTMLCanvasElement;
    return (window as unknown as { drawn: WeakMap<object, Drawn> }).drawn.get(canvas) ?? { texts: [], plates: [] };
  });
}

const total = ({ texts }: Drawn) => texts.filter((text) => /^\d+$/.test(text)).reduce((sum, text) => sum + Number(text), 0);

test("the numbers of crowds are all that are there, also when some go", async ({ page }, info) => {
  const tile: Tile = [5, 17, 11];
  const heap = (count: number, first: number, dx: number, dy: number) => Array.from({ length: count }, (_, i) => ({
    id: first + i, name: `H${first + i}`, code: "-", table: "/", age: 1, ...at(dx + (i % 30) / 2, dy + Math.floor(i / 30) / 2, tile, 7),
  }));
  const alone = [[-120, -150], [120, 130]].map(([dx, dy], i) => ({ id: 9000 + i, name: `ALONE${i}`, code: ">", table: "/", age: 1, ...at(dx as number, dy as number, tile, 7) }));
  const drawing = await watchDrawing(page);
  const { tell } = await script(page, [...heap(700, 1, -100, 0), ...heap(500, 2000, 60, -60), ...alone], tile);
  await live(page, addressOf(tile, 7));
  await expect.poll(async () => total(await drawing())).toBe(1200);
  await info.attach("crowds", { body: await page.screenshot(), contentType: "image/png" });
  tell([], Array.from({ length: 50 }, (_, i) => 1 + i));
  await expect.poll(async () => total(await drawing())).toBe(1150);
  // A press on a crowd goes nearer.
  const { width, height } = page.viewportSize() as { width: number; height: number };
  await page.mouse.click(width / 2 + 67, height / 2 - 56);
  await expect.poll(() => Number(query(page).get("z"))).toBeGreaterThan(7);
});

test("names never lie over one another, and the name of the open station is always there", async ({ page }, info) => {
  const tile: Tile = [7, 68, 44];
  // Nearer to each other than a name is wide, and in every second row than it is high.
  const stations = Array.from({ length: 120 }, (_, i) => ({
    id: i + 1, name: `N0CALL-${i % 10}`.slice(0, 9), code: ">", table: "/", age: 1, ...at((i % 8) * 36 - 140, Math.floor(i / 8) * 24 - 220 + (i % 3), tile, 10),
  }));
  const hidden = { id: 999, name: "OPEN1", code: "-", table: "/", age: 1, ...at(10, 0, tile, 10) };
  const drawing = await watchDrawing(page);
  await script(page, [...stations, hidden], tile);
  await live(page, addressOf(tile, 10));
  const overlaps = ({ plates }: Drawn) => plates.filter(([ax, ay, aw, ah], i) => plates.slice(i + 1).some(([bx, by, bw, bh]) => ax + 1 < bx + bw && bx + 1 < ax + aw && ay + 1 < by + bh && by + 1 < ay + ah)).length;
  await expect.poll(async () => (await drawing()).plates.length).toBeGreaterThan(10);
  const names = await drawing();
  expect(names.plates.length).toBeLessThan(stations.length);
  expect(overlaps(names)).toBe(0);
  await info.attach("names", { body: await page.screenshot(), contentType: "image/png" });
  await live(page, `/OPEN1${addressOf(tile, 10).slice(1)}`);
  await expect.poll(async () => (await drawing()).texts).toContain("OPEN1");
});

test("marked names stand beside each other, never over one another", async ({ page }, info) => {
  const tile: Tile = [7, 68, 44];
  const stations = Array.from({ length: 12 }, (_, i) => ({ id: i + 1, name: `MARK${i}`, code: ">", table: "/", age: 1, ...at((i % 4) * 18 - 30, Math.floor(i / 4) * 9, tile, 10) }));
  const drawing = await watchDrawing(page);
  await script(page, stations, tile);
  await live(page, `${addressOf(tile, 10)}&calls=${stations.map((one) => one.name).join()}`);
  await expect.poll(async () => (await drawing()).texts.filter((text) => text.startsWith("MARK")).length).toBe(12);
  const { plates } = await drawing();
  await info.attach("marked names", { body: await page.screenshot(), contentType: "image/png" });
  const over = plates.filter(([ax, ay, aw, ah], i) => plates.slice(i + 1).some(([bx, by, bw, bh]) => ax < bx + bw && bx < ax + aw && ay < by + bh && by < ay + ah));
  expect(over).toEqual([]);
});

test("names of places are written above symbols and crowds, and leave the numbers readable", async ({ page }, info) => {
  const tile: Tile = [5, 17, 11];
  await page.route("**/basemap/**", (route) => route.fulfill({
    body: vectorTile({ places: [{ type: 1, properties: { kind: "city", name: "Testing", rank: 1 }, rings: [[[0, 0]]] }] }), contentType: "application/vnd.mapbox-vector-tile",
  }));
  await page.addInitScript(() => {
    const drawn = new WeakMap<object, number[][]>();
    (window as unknown as { pictures: typeof drawn }).pictures = drawn;
    const { clearRect, drawImage } = CanvasRenderingContext2D.prototype;
    const clear = CanvasRenderingContext2D.prototype.clearRect;
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
      drawn.delete(this.canvas);
      return (clear ?? clearRect).apply(this, box);
    };
    CanvasRenderingContext2D.prototype.drawImage = function (this: CanvasRenderingContext2D, ...rest: unknown[]) {
      drawn.set(this.canvas, [...(drawn.get(this.canvas) ?? []), rest.slice(1) as number[]]);
      return (drawImage as (...all: unknown[]) => void).apply(this, rest);
    } as typeof CanvasRenderingContext2D.prototype.drawImage;
  });
  const pictures = () => page.evaluate(() => {
    const canvas = document.querySelectorAll(".overlay canvas")[3] as HTMLCanvasElement;
    return (window as unknown as { pictures: WeakMap<object, number[][]> }).pictures.get(canvas) ?? [];
  });
  // A crowd of 980 right where the place is: the middle of the view is the corner of four tiles of the base map.
  const heap = (count: number, first: number, dx: number, dy: number) => Array.from({ length: count }, (_, i) => ({
    id: first + i, name: `H${first + i}`, code: "-", table: "/", age: 1, ...at((i % 30) / 2 - 7 + dx, Math.floor(i / 30) / 2 - 8 + dy, tile, 7),
  }));
  await script(page, [...heap(980, 1, 0, 0), ...heap(40, 2000, 110, 110)], tile);
  const drawing = await watchDrawing(page);
  await live(page, addressOf(tile, 7));
  await expect.poll(async () => total(await drawing())).toBe(1020);
  await info.attach("place names", { body: await page.screenshot(), contentType: "image/png" });
  const { width, height } = await page.evaluate(() => {
    const { clientWidth, clientHeight } = document.querySelectorAll(".overlay canvas")[3] as HTMLCanvasElement;
    return { width: clientWidth, height: clientHeight };
  });
  const boxes = async () => (await pictures()).filter(([x = 0, y = 0, w = 0]) => Math.abs(x + w / 2 - width / 2) < 40 && Math.abs(y - height / 2) < 100);
  const beside = async () => (await boxes()).map(([, y = 0, , h = 0]) => y + h - 3 <= height / 2 - 7 || y + 3 >= height / 2 + 7);
  // Written anew once a second: the crowd may have come in between.
  await expect.poll(beside).toEqual([true]);
});
