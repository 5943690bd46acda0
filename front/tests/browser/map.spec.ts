/** What the map shows beyond symbols, against the mock server's stations: trails, radio paths, reach, shapes, fans. */
import { type Page, expect, test } from "@playwright/test";
import { fanPlace } from "../../src/map/spread";
import { PNG } from "./png";

test.skip(process.env["GODWIT_URL"] !== undefined, "needs the mock server's stations");

test.setTimeout(40_000);

let trouble: string[] = [];
test.beforeEach(({ page }) => {
  trouble = [];
  page.on("console", (message) => {
    if (message.type() === "error") trouble.push(message.text());
  });
  page.on("pageerror", (error) => trouble.push(error.message));
});
test.afterEach(() => expect(trouble).toEqual([]));

const OWN_TRAIL = [0x0b, 0x5f, 0xa5] as const;
const PATH = [0x8a, 0x2b, 0x6f] as const;

async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await expect(page.locator(".status")).toHaveAttribute("data-state", "live");
}

/** How many pixels of the map have a colour, within a few steps. */
async function pixels(page: Page, [red, green, blue]: readonly [number, number, number], near = 6): Promise<number> {
  const { data } = PNG(await page.locator("#map").screenshot());
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (Math.abs((data[i] as number) - red) <= near && Math.abs((data[i + 1] as number) - green) <= near && Math.abs((data[i + 2] as number) - blue) <= near) count++;
  }
  return count;
}

/** A view with a place in its upper middle, which a phone's sheet leaves free. */
function view(page: Page, lat: number, lng: number, zoom: number, more = ""): { address: string; x: number; y: number } {
  const { width, height } = page.viewportSize() as { width: number; height: number };
  const down = (height * 0.25) / (256 * 2 ** zoom);
  const sin = Math.sin((lat * Math.PI) / 180);
  const y = 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI) + down;
  const centre = (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;
  return { address: `/?lat=${centre.toFixed(5)}&lng=${lng}&z=${zoom}${more}`, x: width / 2, y: height * 0.25 };
}

test("the trail of the selected station: length in the address, longer by choice, grows live", async ({ page }, info) => {
  await open(page, view(page, 48.14, 11.58, 12, "&call=N0CALL-9&trail=3").address);
  const trail = page.locator(".trail");
  const said = trail.getByText(/\d+ positions, /);
  await expect(said).toBeVisible();
  await expect(trail.getByRole("combobox", { name: "History" })).toHaveValue("3");
  await expect.poll(() => pixels(page, OWN_TRAIL)).toBeGreaterThan(60);
  const positions = async () => Number(/\d+/.exec((await said.textContent()) ?? "")?.[0]);
  const before = await positions();
  await trail.getByRole("combobox", { name: "History" }).selectOption("6");
  await expect(page).toHaveURL(/trail=6/);
  await expect.poll(positions).toBeGreaterThan(before + 50);
  const now = await positions();
  await expect.poll(positions, { timeout: 30_000 }).toBeGreaterThan(now);
  await info.attach("trail", { body: await page.screenshot(), contentType: "image/png" });
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await expect.poll(() => pixels(page, OWN_TRAIL)).toBeLessThan(20);
});

test("a point of the trail tells its time, speed and packet; one that cannot be right its reason", async ({ page }, info) => {
  // The jump of the mock lies three degrees from where it began.
  const { address, x, y } = view(page, 51.1372, 14.5756, 9, "&call=N0CALL-9&trail=6");
  await open(page, address);
  const tick = page.getByRole("checkbox", { name: /cannot be right/ });
  await tick.scrollIntoViewIfNeeded();
  // Hidden: nothing to press there.
  await page.mouse.click(x, y);
  await expect(page.locator(".point")).toHaveCount(0);
  await tick.check();
  await expect(async () => {
    await page.mouse.click(x + 3, y);
    await expect(page.locator(".point")).toBeVisible({ timeout: 1000 });
  }).toPass();
  await expect(page.locator(".point")).toContainText("Hidden because: it is too far to get to in the time.");
  await expect(page.locator(".point")).toContainText("UTC");
  // Beside the point, in sight, and under nothing.
  const box = (await page.locator(".point").boundingBox()) as { x: number; y: number; width: number; height: number };
  expect(Math.abs(box.x + box.width / 2 - x)).toBeLessThan(box.width);
  expect(Math.min(Math.abs(box.y + box.height - y), Math.abs(box.y - y))).toBeLessThan(60);
  for (const [px, py] of [[4, 4], [box.width - 4, 4], [4, box.height - 4], [box.width / 2, box.height / 2]] as const) {
    expect(await page.evaluate(([ex, ey]) => document.elementFromPoint(ex as number, ey as number)?.closest(".point") !== null, [box.x + px, box.y + py])).toBe(true);
  }
  await info.attach("hidden point", { body: await page.screenshot(), contentType: "image/png" });
  await page.keyboard.press("Escape");
  await expect(page.locator(".point")).toHaveCount(0);
  await expect(page.locator(".card")).toBeVisible();
});

test("the radio path: who carried it, drawn and listed, each hop opens its station", async ({ page }, info) => {
  await open(page, view(page, 48.2, 11.8, 9, "&call=N0CALL-9").address);
  const before = new URL(page.url()).searchParams.get("lat");
  const show = page.getByRole("button", { name: "Show the radio path" });
  await show.scrollIntoViewIfNeeded();
  await show.click();
  const hops = page.getByRole("list", { name: "Radio path" });
  await expect(hops.getByRole("listitem")).toHaveCount(4);
  await expect(hops).toContainText(/N0CALL-9\s*sender.*DB0XYZ-2\s*digipeater.*DB0DARK\s*digipeater · position unknown.*DB0GATE\s*igate/s);
  await expect(hops).not.toContainText("WIDE2-1");
  await expect(page.locator(".trail code")).toContainText("<img src=x onerror=alert(1)>");
  await expect.poll(() => pixels(page, PATH)).toBeGreaterThan(100);
  // What of it lies off the screen is a press away.
  await page.getByRole("button", { name: "Show the whole path" }).click();
  await expect.poll(() => new URL(page.url()).searchParams.get("lat")).not.toBe(before);
  await info.attach("radio path", { body: await page.screenshot(), contentType: "image/png" });
  await hops.getByRole("button", { name: "DB0GATE" }).click();
  await expect(page.getByRole("heading", { name: "DB0GATE" })).toBeVisible();
  await expect.poll(() => pixels(page, PATH)).toBeLessThan(20);
});

test("pointing at the selected symbol shows the path of its last packet", async ({ page }, info) => {
  test.skip(info.project.name === "phone", "there is no pointer to hover with");
  const { address, x, y } = view(page, 48.35, 11.85, 10, "&call=DB0XYZ-2");
  await open(page, address);
  await expect(page.locator(".trail")).toBeVisible();
  await page.mouse.move(x, y);
  await expect.poll(() => pixels(page, PATH)).toBeGreaterThan(60);
  await page.mouse.move(x + 300, y + 120);
  await expect.poll(() => pixels(page, PATH)).toBeLessThan(20);
});

test("reach, vagueness and course are drawn", async ({ page }, info) => {
  const line = [0x44, 0x60, 0x6f] as const;
  await open(page, view(page, 48.35, 11.85, 8).address);
  await expect(page.locator("#map")).toBeVisible();
  const without = await pixels(page, line, 40);
  await open(page, view(page, 48.35, 11.85, 8, "&call=DB0XYZ-2").address);
  await expect.poll(() => pixels(page, line, 40)).toBeGreaterThan(without + 200);
  await info.attach("range", { body: await page.screenshot(), contentType: "image/png" });
  await open(page, "/?lat=48.2&lng=12.6&z=11");
  // The ground of the box differs from that of the map: its fill is seen.
  await expect.poll(() => pixels(page, [0xbe, 0xce, 0xd5], 4)).toBeGreaterThan(2000);
  await info.attach("vague", { body: await page.screenshot(), contentType: "image/png" });
});

test("area objects and signposts look as their packets say", async ({ page }, info) => {
  await open(page, "/?lat=47.5&lng=12.75&z=10");
  for (const colour of [[0x2f, 0x6f, 0xe0], [0xd8, 0x35, 0x2a], [0x1f, 0x9d, 0x55]] as const) {
    await expect.poll(() => pixels(page, colour, 14)).toBeGreaterThan(30);
  }
  await info.attach("shapes", { body: await page.screenshot(), contentType: "image/png" });
});

test("layers are switched in the menu, kept in the address and in the browser", async ({ page }, info) => {
  const ink = [0x44, 0x60, 0x6f] as const;
  await open(page, "/?lat=30&lng=0&z=3");
  const without = await pixels(page, ink, 40);
  await page.getByRole("button", { name: "Map and display" }).click();
  await page.getByRole("checkbox", { name: "Maidenhead grid" }).check();
  await page.getByRole("checkbox", { name: "Night" }).check();
  await expect.poll(() => new URL(page.url()).searchParams.get("layers")).toBe("vectors,grid,night");
  await page.keyboard.press("Escape");
  await expect.poll(() => pixels(page, ink, 40)).toBeGreaterThan(without + 300);
  // Water under the night; somewhere in so wide a view it is always dark.
  await open(page, "/?lat=0&lng=0&z=2");
  await expect.poll(() => pixels(page, [0x9e, 0xac, 0xb7], 5)).toBeGreaterThan(2000);
  await info.attach("layers", { body: await page.screenshot(), contentType: "image/png" });
  await open(page, "/?lat=47.5&lng=10&z=7&layers=grid");
  await expect.poll(() => pixels(page, ink, 40)).toBeGreaterThan(300);
  await info.attach("squares", { body: await page.screenshot(), contentType: "image/png" });
  await page.getByRole("button", { name: "Map and display" }).click();
  await expect(page.getByRole("checkbox", { name: "Maidenhead grid" })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "Night" })).not.toBeChecked();
  await info.attach("menu", { body: await page.screenshot(), contentType: "image/png" });
});

for (const [prefix, lng, count] of [["FAN", 12.1, 5], ["PILE", 12.2, 16]] as const) {
  test(`${count} symbols in one place fan out, and each can be opened`, async ({ page }, info) => {
    const { address, x, y } = view(page, 48.3, lng, 14);
    await open(page, address);
    const [dx, dy] = fanPlace(0, count);
    await expect(async () => {
      await page.mouse.click(x, y);
      // Now one of them stands beside the heap, and a click there opens it.
      await page.mouse.click(x + dx, y + dy);
      await expect(page.locator(".card h2")).toContainText(prefix, { timeout: 1500 });
    }).toPass();
    await info.attach(`fan of ${count}`, { body: await page.screenshot(), contentType: "image/png" });
  });
}

test("while two fingers zoom, symbols keep about their size, and the address says the zoom that is shown", async ({ page }, info) => {
  test.skip(info.project.name !== "phone", "two fingers");
  await open(page, "/?lat=48.2&lng=11.7&z=9.5");
  // Half a zoom is not shown, and not said.
  await expect.poll(() => new URL(page.url()).searchParams.get("z")).toBe("10");
  const cdp = await page.context().newCDPSession(page);
  const fingers = (type: "touchStart" | "touchMove" | "touchEnd", apart: number) => cdp.send("Input.dispatchTouchEvent", {
    type, touchPoints: type === "touchEnd" ? [] : [{ x: 195 - apart, y: 400, id: 0 }, { x: 195 + apart, y: 400, id: 1 }],
  });
  const stretched = () => page.locator(".overlay").evaluate((box) => (box.querySelector("canvas") as HTMLCanvasElement).getBoundingClientRect().width / (box.querySelector("canvas") as HTMLCanvasElement).clientWidth);
  await fingers("touchStart", 40);
  const seen: number[] = [];
  for (let apart = 44; apart <= 120; apart += 4) {
    await fingers("touchMove", apart);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    seen.push(await stretched());
  }
  // The fingers are three times as far apart: the map has grown, its symbols have not.
  expect(Math.max(...seen)).toBeLessThan(1.16);
  expect(Math.min(...seen)).toBeGreaterThan(1 / 1.16);
  await info.attach("pinch", { body: await page.screenshot(), contentType: "image/png" });
  await fingers("touchEnd", 0);
  await expect.poll(() => Number(new URL(page.url()).searchParams.get("z"))).toBeGreaterThan(10);
});
