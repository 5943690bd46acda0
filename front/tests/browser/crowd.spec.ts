/** Many at once: counts at low zoom; and all of it without WebGL. */
import { type Page, expect, test } from "@playwright/test";
import { watchInk } from "./scripted";
import { live, query, watchTrouble } from "./trouble";

test.skip(process.env["GODWIT_URL"] !== undefined, "counts the mock server's stations");
watchTrouble();
test.setTimeout(120_000);

/** What is written on the map's canvases, as it is drawn. */
async function watchNumbers(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const written: string[] = [];
    (window as unknown as { written: string[] }).written = written;
    const draw = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
      if (/^\d+$/.test(text)) written.push(text);
      if (written.length > 2000) written.splice(0, 1000);
      return draw.call(this, text, ...rest);
    };
  });
  return () => page.evaluate(() => [...new Set((window as unknown as { written: string[] }).written)]);
}

test("far out the map counts, and a press on a count goes nearer", async ({ page }, info) => {
  const numbers = await watchNumbers(page);
  await live(page, "/?lat=48&lng=11&z=4");
  await expect.poll(async () => (await numbers()).length).toBeGreaterThan(0);
  const said = await page.locator(".status .figure").first().textContent();
  await info.attach("density", { body: await page.screenshot(), contentType: "image/png" });
  expect(said).toMatch(/^\d+ stations$/);
  // The count of the cell that holds Munich lies in the middle.
  const { width, height } = page.viewportSize() as { width: number; height: number };
  for (const [dx, dy] of [[0, 0], [12, 0], [-12, 0], [0, 12], [0, -12], [24, 0], [0, 24], [-24, 0]] as const) {
    await page.mouse.click(width / 2 + dx, height / 2 + dy);
    await page.waitForTimeout(600);
    if (query(page).get("z") !== "4") break;
  }
  await expect.poll(() => query(page).get("z")).toBe("6");
});

test("without WebGL everything is drawn all the same, and a symbol opens its card", async ({ page }, info) => {
  await page.addInitScript(() => {
    const get = HTMLCanvasElement.prototype.getContext as (this: HTMLCanvasElement, kind: string, ...rest: unknown[]) => RenderingContext | null;
    HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, ...rest: unknown[]) {
      return kind.startsWith("webgl") ? null : get.call(this, kind, ...rest);
    } as typeof HTMLCanvasElement.prototype.getContext;
  });
  await live(page, "/?lat=48.3&lng=11.3&z=12");
  // Long enough for GL to have taken over, where there is any.
  await page.waitForTimeout(5000);
  expect((await watchInk(page, null))[0]?.count).toBeGreaterThan(50);
  const { width, height } = page.viewportSize() as { width: number; height: number };
  await page.mouse.click(width / 2, height / 2);
  await expect(page.getByRole("heading", { name: "N0CALL", exact: true })).toBeVisible();
  await info.attach("without-webgl", { body: await page.screenshot(), contentType: "image/png" });
});
