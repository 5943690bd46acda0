/** Time travel, as a person uses it. Against the mock server, whose past is known; the last test against any server. */
import { createRequire } from "node:module";
import { type Page, expect, test } from "@playwright/test";
import { encodeBlock } from "../history-encoder.mjs";
import { live, watchTrouble } from "./trouble";

const mock = process.env["GODWIT_URL"] === undefined;
const HOUR_MS = 3_600_000;
/** Ten minutes after a full hour, some hours ago: the objects of the mock server are there. */
const early = Math.floor(Date.now() / HOUR_MS - 5) * HOUR_MS + 10 * 60_000;
const iso = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const trouble = watchTrouble();

const bar = (page: Page) => page.getByRole("region", { name: "Time travel" });
const shownMs = async (page: Page) => Date.parse((await bar(page).locator("time").getAttribute("datetime")) ?? "");
const urlMs = (page: Page) => Date.parse(new URL(page.url()).searchParams.get("at") ?? "");

async function past(page: Page, ms: number, view = "lat=48.2&lng=11.7&z=13"): Promise<void> {
  await page.goto(`/?${view}&at=${iso(ms)}`);
  await expect(bar(page)).toBeVisible();
  await expect(bar(page).getByRole("status")).toBeEmpty();
}

/** What lies in the middle of the map. */
async function middle(page: Page): Promise<void> {
  const { width, height } = page.viewportSize() as { width: number; height: number };
  await page.mouse.click(width / 2, height / 2);
}

test.describe("with a known past", () => {
  test.skip(!mock, "needs the past of the mock server");

  test("the button opens it an hour ago, Back returns to now", async ({ page }, info) => {
    await live(page, "/?lat=48.14&lng=11.58&z=9");
    await page.getByRole("button", { name: "Time travel" }).click();
    await expect(bar(page)).toBeVisible();
    await expect(bar(page).getByRole("status")).toBeEmpty();
    await expect(page).toHaveURL(/[?&]at=/);
    expect(Math.abs(Date.now() - HOUR_MS - urlMs(page))).toBeLessThan(60_000);
    await expect(bar(page).getByRole("button", { name: "Play" })).toBeFocused();
    await info.attach("time", { body: await page.screenshot(), contentType: "image/png" });
    await page.goBack();
    await expect(bar(page)).toHaveCount(0);
    await expect(page).not.toHaveURL(/[?&]at=/);
    await page.goForward();
    await expect(bar(page)).toBeVisible();
  });

  test("the map shows who was there, and who was killed is not", async ({ page }) => {
    await past(page, early);
    await expect(async () => {
      await middle(page);
      await expect(page.getByRole("heading", { name: "<b>EVE" })).toBeVisible({ timeout: 1500 });
    }).toPass();
    await page.goto(`/?lat=48.2&lng=11.7&z=13&at=${iso(early + 25 * 60_000)}`);
    await expect(bar(page).getByRole("status")).toBeEmpty();
    await middle(page);
    await expect(page.locator(".side, .picker")).toHaveCount(0);
  });

  test("it plays, pauses, and is in the address; a killed object vanishes while it plays", async ({ page }) => {
    await past(page, early + 19 * 60_000);
    await bar(page).getByRole("combobox", { name: "Speed" }).selectOption("60");
    await bar(page).getByRole("button", { name: "Play" }).click();
    await expect.poll(() => shownMs(page)).toBeGreaterThan(early + 21 * 60_000);
    await bar(page).getByRole("button", { name: "Pause" }).click();
    const paused = await shownMs(page);
    expect(urlMs(page)).toBe(Math.floor(paused / 1000) * 1000);
    await middle(page);
    await expect(page.locator(".side, .picker")).toHaveCount(0);
    expect(await shownMs(page)).toBe(paused);
  });

  test("speeds up to an hour a second, over many blocks", async ({ page }) => {
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await past(page, early - 20 * HOUR_MS, "lat=48.2&lng=11.7&z=6");
    await bar(page).getByRole("combobox", { name: "Speed" }).selectOption("3600");
    await bar(page).getByRole("button", { name: "Play" }).click();
    await expect.poll(() => shownMs(page), { timeout: 30_000 }).toBeGreaterThan(early - 10 * HOUR_MS);
    expect(asked.filter((path) => path.endsWith("/hour")).length).toBeGreaterThan(5);
    // Only what is in view is asked for: level 3.
    expect(asked.filter((path) => /\/history\/v1\/\d/.test(path) && !path.startsWith("/history/v1/3/"))).toEqual([]);
  });

  test("the keyboard: space, arrows, pages, ends, Escape", async ({ page }) => {
    await past(page, early);
    const slider = bar(page).getByRole("slider");
    await slider.focus();
    for (const [key, minutes] of [["ArrowRight", 1], ["Shift+ArrowLeft", -10], ["PageDown", -60], ["PageUp", 60], ["ArrowLeft", -1]] as const) {
      const before = await shownMs(page);
      await page.keyboard.press(key);
      expect(await shownMs(page) - before).toBe(minutes * 60_000);
    }
    await page.keyboard.press("End");
    const { now, end } = { now: Date.now(), end: await shownMs(page) };
    expect(now - end).toBeLessThan(60_000);
    await page.keyboard.press("Home");
    expect(Math.abs((await shownMs(page)) - (end - 24 * HOUR_MS))).toBeLessThan(60_000);
    await page.keyboard.press("Space");
    await expect(bar(page).getByRole("button", { name: "Pause" })).toBeVisible();
    await page.keyboard.press("Space");
    await expect(bar(page).getByRole("button", { name: "Play" })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(bar(page)).toHaveCount(0);
    await expect(page).not.toHaveURL(/[?&]at=/);
  });

  test("a date and a time can be picked, and the slider dragged", async ({ page }) => {
    await past(page, early);
    const day = new Date(early - 24 * HOUR_MS).toISOString().slice(0, 10);
    await bar(page).getByLabel("Date and time").fill(`${day}T12:30`);
    await bar(page).getByLabel("Date and time").press("Tab");
    // Berlin's clock is UTC+1 in winter.
    await expect.poll(() => urlMs(page)).toBe(Date.parse(`${day}T11:30:00Z`));
    const box = await bar(page).getByRole("slider").boundingBox();
    if (box === null) throw new Error("no slider");
    const before = await shownMs(page);
    await page.mouse.click(box.x + box.width * 0.9, box.y + box.height / 2);
    await expect.poll(() => shownMs(page)).toBeGreaterThan(before + HOUR_MS);
    await bar(page).getByRole("button", { name: "Back to now" }).click();
    await expect(bar(page)).toHaveCount(0);
  });

  test("the card is of the moment that is shown, in all that it says, and the trail ends there", async ({ page }, info) => {
    const asked: URL[] = [];
    page.on("request", (request) => asked.push(new URL(request.url())));
    const at = early + 3 * 60_000;
    const clock = (ms: number) => new Date(ms).toISOString().slice(11, 16);
    // On a phone the card's sheet takes the place of the bar.
    await live(page, `/?lat=48.14&lng=11.58&z=12&call=N0CALL-9&at=${iso(at + 20_000)}`);
    const card = page.locator(".card");
    await expect(card.locator(".comment")).toHaveText(`Heard at ${clock(at)}`);
    await expect(card.locator(".heard time")).toHaveAttribute("datetime", new Date(at).toISOString());
    await expect(card.locator(".heard time")).toHaveText("20 s ago");
    await expect(card.locator(".raw code")).toContainText(`DB0THEN*,qAR,DB0GATE:!4808.23N/01134.54E>Heard at ${clock(at)}`);
    await expect(card.locator(".path")).toContainText("DB0THEN");
    await expect(card.locator(".moment")).toContainText(`${new Date(at).toISOString().slice(0, 10)} ${clock(at)}`);
    // One position a minute for an hour, and none of those that came later.
    await expect(card.locator(".trail p").first()).toHaveText(/^60 positions,/);
    await info.attach("card-of-a-moment", { body: await page.screenshot(), contentType: "image/png" });
    const about = asked.filter((url) => url.pathname === "/api/v1/stations/N0CALL-9");
    expect(about.length).toBeGreaterThan(0);
    expect(about.filter((url) => url.searchParams.get("at") === null)).toEqual([]);
    expect(asked.filter((url) => url.pathname.endsWith("/track") && !url.searchParams.has("until"))).toEqual([]);
    // On and back: what was not known yet is gone at once. A phone's sheet covers the bar.
    for (const minutes of [10, 1]) {
      const to = early + minutes * 60_000;
      await page.evaluate((ms) => {
        const url = new URL(location.href);
        url.searchParams.set("at", ms);
        history.pushState(null, "", url.href);
        dispatchEvent(new PopStateEvent("popstate"));
      }, iso(to));
      await expect(card.locator(".comment")).toHaveText(`Heard at ${clock(to)}`);
      await expect(card.locator(".trail p").first()).toHaveText(/^6[01] positions,/);
    }
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await expect(bar(page)).toHaveCount(0);
    await live(page, "/?lat=48.14&lng=11.58&z=12&call=N0CALL-9");
    await expect(card.locator(".comment")).toContainText("On the road");
  });

  test("a server that began a short while ago: it starts where something is kept, and says so; so does Home", async ({ page }, info) => {
    const bornMs = Math.floor(Date.now() / 60_000) * 60_000 - 17 * 60_000;
    await page.request.get(`/mock/born?ms=${bornMs}`);
    try {
      await live(page, "/?lat=48.14&lng=11.58&z=9");
      await page.getByRole("button", { name: "Time travel" }).click();
      await expect(bar(page).getByRole("status")).toHaveText(/^Nothing is kept before \d\d:\d\d\.$/);
      expect(await shownMs(page)).toBe(bornMs);
      await expect.poll(() => urlMs(page)).toBe(bornMs);
      await info.attach("young", { body: await page.screenshot(), contentType: "image/png" });
      const slider = bar(page).getByRole("slider");
      expect(Number(await slider.getAttribute("min"))).toBe(bornMs);
      await slider.focus();
      await page.keyboard.press("ArrowRight");
      await expect(bar(page).getByRole("status")).toBeEmpty();
      await page.keyboard.press("Home");
      expect(await shownMs(page)).toBe(bornMs);
      // A link to a time before says so too, and a card of then knows nothing.
      await page.goto(`/?lat=48.14&lng=11.58&z=9&call=N0CALL-9&at=${iso(bornMs - HOUR_MS)}`);
      await expect(page.locator(".card .note")).toContainText("Nothing of N0CALL-9 is kept from this moment or before.");
      trouble.forgive(/404/);
    } finally {
      await page.request.get("/mock/born");
    }
  });

  test("a world with nobody in it has no symbols, no names and no arrows", async ({ page }) => {
    await page.route("**/history/v1/*/*/*/*", (route) => {
      const [level, x, y, block] = new URL(route.request().url()).pathname.split("/").slice(3).map(Number) as [number, number, number, number];
      return route.fulfill({ body: Buffer.from(encodeBlock([level, x, y], block, { key: [], moves: [] }, { spanS: 600, coveredS: 600, packing: 1 })) });
    });
    /** How much is drawn on each canvas. */
    const ink = () => page.evaluate(() => [...document.querySelectorAll<HTMLCanvasElement>(".overlay canvas")].map((canvas) => {
      const copy = document.createElement("canvas");
      [copy.width, copy.height] = [canvas.width, canvas.height];
      const context = copy.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
      context.drawImage(canvas, 0, 0);
      return context.getImageData(0, 0, copy.width, copy.height).data.filter((value, i) => i % 4 === 3 && value > 0).length;
    }));
    await live(page, "/?lat=48.14&lng=11.58&z=10");
    // Arrows, symbols and names of now.
    await expect.poll(async () => (await ink()).slice(1).every((count) => count > 100)).toBe(true);
    await page.getByRole("button", { name: "Time travel" }).click();
    await expect(bar(page)).toBeVisible();
    await expect.poll(ink).toEqual([0, 0, 0, 0]);
  });

  test("its buttons are styled before anything else of the page is there", async ({ browser, baseURL }) => {
    const context = await browser.newContext({ baseURL: baseURL as string, serviceWorkers: "block", locale: "en-GB" });
    const page = await context.newPage();
    await page.route(/\/assets\/(panels|side|card)[^/]*\.css$/, () => {});
    await page.goto(`/?lat=48.2&lng=11.7&z=13&at=${iso(early)}`);
    const back = bar(page).getByRole("button", { name: "Back to now" });
    await expect(back).toBeVisible();
    const style = await back.evaluate((element) => {
      const { borderTopLeftRadius: round, paddingLeft: left, minHeight: high } = getComputedStyle(element);
      return [round, left, high].map(Number.parseFloat);
    });
    expect(style[0]).toBeGreaterThan(8);
    expect(style[1]).toBeGreaterThan(8);
    expect(style[2]).toBeGreaterThanOrEqual(43.9);
    await context.close();
  });

  test("a server that does not answer is told of, and the moment comes when it does", async ({ page }) => {
    let broken = true;
    await page.route("**/history/v1/9/**", (route) => (broken ? route.fulfill({ status: 503 }) : route.continue()));
    await page.goto(`/?lat=48.2&lng=11.7&z=13&at=${iso(early)}`);
    await expect(bar(page).getByRole("alert")).toContainText("HTTP 503");
    broken = false;
    await expect(bar(page).getByRole("alert")).toHaveCount(0);
    await expect(bar(page).getByRole("status")).toBeEmpty();
    trouble.forgive(/503/);
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing, and nothing is too small to press, ${colorScheme}`, async ({ browser, baseURL }, info) => {
      // The policy forbids the script that the test brings along.
      const context = await browser.newContext({
        bypassCSP: true, baseURL: baseURL as string, colorScheme, reducedMotion: "reduce", locale: "en-GB", viewport: info.project.use.viewport ?? null,
      });
      const page = await context.newPage();
      await past(page, early, "lat=48.14&lng=11.58&z=10");
      await page.addScriptTag({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") });
      const violations = await page.evaluate(async () => {
        interface Result { violations: { id: string; nodes: { html: string }[] }[] }
        const { axe } = window as unknown as { axe: { run(): Promise<Result> } };
        return (await axe.run()).violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
      });
      expect(violations).toEqual([]);
      const width = (page.viewportSize() as { width: number }).width;
      for (const one of await bar(page).locator("button, select, input").all()) {
        const box = await one.boundingBox();
        if (box === null) continue;
        expect(box.height).toBeGreaterThanOrEqual(43.9);
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width).toBeLessThanOrEqual(width);
      }
      await info.attach(`time-${colorScheme}`, { body: await page.screenshot(), contentType: "image/png" });
      await context.close();
    });
  }
});

test("any server: a moment a minute ago is there, and plays", async ({ page }) => {
  const range = (await (await page.request.get("/history/v1/range")).json()) as { server_time_ms: number };
  await past(page, range.server_time_ms - 60_000, "lat=49&lng=11&z=6");
  await bar(page).getByRole("combobox", { name: "Speed" }).selectOption("10");
  const before = await shownMs(page);
  await bar(page).getByRole("button", { name: "Play" }).click();
  await expect.poll(() => shownMs(page)).toBeGreaterThan(before + 5000);
  // It catches up with the present and stays there.
  await expect(bar(page)).toHaveCount(0);
  await expect(page.locator(".status")).toHaveAttribute("data-state", "live");
});
