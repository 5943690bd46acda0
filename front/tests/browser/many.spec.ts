/** Many in view: the numbers of crowds are true, and names never lie over one another. Seen in what the page draws. */
import { type Page, expect, test } from "@playwright/test";
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
