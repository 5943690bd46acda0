/** How what moves, dies and grows old is drawn: seen in the pixels of the symbols' canvas. */
import { expect, test } from "@playwright/test";
import { ADDRESS, type Ink, at, script, watchInk } from "./scripted";
import { live, watchTrouble } from "./trouble";

test.skip(process.env["GODWIT_URL"] !== undefined, "writes the stream itself");
watchTrouble();
// The server itself has no tracks of these stations.
test.beforeEach(({ page }) => page.route("**/api/v1/stations/**", (route) => route.fulfill({ json: { points: [], truncated: false } })));
test.setTimeout(90_000);

const CAR = { id: 7, name: "CAR", code: ">", table: "/", speed: 500, interval: 2 };
const only = async (promise: Promise<Ink[]>) => (await promise)[0] as Ink;

test("a car glides from fix to fix; a late and a repeated packet do not move it", async ({ page }) => {
  const { tell } = await script(page, [{ ...CAR, ...at(-100, -150), age: 10 }]);
  await live(page, ADDRESS);
  await expect.poll(async () => (await only(watchInk(page, null))).count).toBeGreaterThan(50);
  const before = await only(watchInk(page, null));
  const watching = watchInk(page, 2500);
  tell([{ ...CAR, ...at(20, -150), age: 0 }]);
  const xs = (await watching).map((ink) => ink.x);
  const last = xs.at(-1) as number;
  expect(last - before.x).toBeGreaterThan(118);
  expect(last - before.x).toBeLessThan(122);
  // Never back, and more than one step on the way.
  expect(xs.every((x, i) => i === 0 || x >= (xs[i - 1] as number) - 0.5)).toBe(true);
  expect(xs.filter((x) => x > before.x + 5 && x < last - 5).length).toBeGreaterThan(1);
  // Heard before the fix that is known: the same place, by another way and too late.
  const quiet = watchInk(page, 1800);
  tell([{ ...CAR, ...at(-100, -150), age: 15 }]);
  tell([{ ...CAR, ...at(20, -150), age: 0 }]);
  for (const ink of await quiet) expect(Math.abs(ink.x - last)).toBeLessThan(1);
});

test("a glide under way is gone on from, not begun anew", async ({ page }) => {
  const { tell } = await script(page, [{ ...CAR, ...at(-150, -150), age: 20 }]);
  await live(page, ADDRESS);
  await expect.poll(async () => (await only(watchInk(page, null))).count).toBeGreaterThan(50);
  const before = await only(watchInk(page, null));
  const watching = watchInk(page, 3000);
  tell([{ ...CAR, ...at(-50, -150), age: 4 }]);
  await page.waitForTimeout(300);
  tell([{ ...CAR, ...at(50, -150), age: 0 }]);
  const xs = (await watching).map((ink) => ink.x);
  expect((xs.at(-1) as number) - before.x).toBeGreaterThan(198);
  expect(xs.every((x, i) => i === 0 || x >= (xs[i - 1] as number) - 0.5)).toBe(true);
});

test("with reduced motion it stands still until it is elsewhere", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  const { tell } = await script(page, [{ ...CAR, ...at(-100, -150), age: 10 }]);
  await live(page, ADDRESS);
  await expect.poll(async () => (await only(watchInk(page, null))).count).toBeGreaterThan(50);
  const before = await only(watchInk(page, null));
  const watching = watchInk(page, 2000);
  tell([{ ...CAR, ...at(20, -150), age: 0 }]);
  const xs = (await watching).map((ink) => ink.x);
  expect(xs.filter((x) => x > before.x + 2 && x < before.x + 118)).toEqual([]);
  expect(xs.at(-1)).toBeGreaterThan(before.x + 118);
});

test("a killed object is gone with the next picture, and repeats of the kill bring nothing back", async ({ page }, info) => {
  const object = { id: 9, name: "EVENT", code: "-", table: "/", flags: 1, ...at(0, -150), age: 0 };
  const { tell } = await script(page, [object]);
  await live(page, ADDRESS);
  await expect.poll(async () => (await only(watchInk(page, null))).count).toBeGreaterThan(50);
  await info.attach("object", { body: await page.screenshot(), contentType: "image/png" });
  tell([], [9]);
  await expect.poll(async () => (await only(watchInk(page, null))).count, { intervals: [50], timeout: 3000 }).toBe(0);
  const watching = watchInk(page, 1500);
  tell([], [9]);
  tell([{ ...CAR, ...at(0, 1000), age: 0 }], [9]);
  for (const ink of await watching) expect(ink.count).toBe(0);
  // Its name is as free as the symbol's place: nothing is left to press.
  const { width, height } = page.viewportSize() as { width: number; height: number };
  await page.mouse.click(width / 2, height / 2 - 150);
  await expect(page.locator(".card")).toHaveCount(0);
});

test("what has not been heard for long fades, by its own interval", async ({ page }, info) => {
  const one = { code: "-", table: "/" };
  const alphaOf = async (age: number, interval: number) => {
    const context = await page.context().browser()?.newContext({ baseURL: info.project.use.baseURL as string, viewport: info.project.use.viewport ?? null });
    const fresh = await (context as NonNullable<typeof context>).newPage();
    await script(fresh, [{ ...one, id: 3, name: "OLD", ...at(0, -150), age, interval }]);
    await live(fresh, ADDRESS);
    await expect.poll(async () => (await only(watchInk(fresh, null))).count).toBeGreaterThan(20);
    const { alpha } = await only(watchInk(fresh, null));
    await context?.close();
    return alpha;
  };
  // Ages in steps of 2 s, intervals in steps of 30 s.
  const heardNow = await alphaOf(0, 2);
  const silent = await alphaOf(5400, 2);
  const usual = await alphaOf(1800, 120);
  expect(heardNow).toBeGreaterThan(240);
  expect(silent).toBeLessThan(heardNow * 0.7);
  expect(usual).toBeGreaterThan(heardNow * 0.9);
});
