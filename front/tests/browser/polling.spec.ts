/** The page where WebSockets do not get through: the same map over plain HTTP, and back. */
import { type Page, expect, test } from "@playwright/test";
import { watchTrouble } from "./trouble";

const trouble = watchTrouble();
const real = process.env["GODWIT_URL"] !== undefined;

/** Notes ten times a second how much of the symbols' canvas is drawn on; answers the least and the most since the last call. */
async function watchInk(page: Page): Promise<() => Promise<{ least: number; most: number }>> {
  await page.evaluate(() => {
    const small = document.createElement("canvas");
    [small.width, small.height] = [300, 300];
    const context = small.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
    const seen: number[] = [];
    (window as unknown as { seen: number[] }).seen = seen;
    setInterval(() => {
      const canvas = document.querySelectorAll<HTMLCanvasElement>(".overlay canvas")[2] as HTMLCanvasElement;
      context.clearRect(0, 0, 300, 300);
      context.drawImage(canvas, 0, 0, 300, 300);
      let ink = 0;
      for (const [i, value] of context.getImageData(0, 0, 300, 300).data.entries()) if (i % 4 === 3 && value > 40) ink++;
      seen.push(ink);
    }, 100);
  });
  return () => page.evaluate(() => {
    const seen = (window as unknown as { seen: number[] }).seen.splice(0);
    return { least: Math.min(...seen), most: Math.max(...seen) };
  });
}

/** Paths and answers of the tiles asked for over HTTP from now on. */
function watchTiles(page: Page): { query: string; status: number }[] {
  const asked: { query: string; status: number }[] = [];
  page.on("response", (response) => {
    const url = new URL(response.url());
    if (url.pathname.startsWith("/live/v1/tiles/")) asked.push({ query: url.search, status: response.status() });
  });
  return asked;
}

test("any server: sockets that close without a byte, and the map is live all the same, and says how", async ({ page }, info) => {
  await page.routeWebSocket("**/live/v1/ws", (socket) => socket.close());
  const asked = watchTiles(page);
  await page.goto("/?lat=49&lng=11&z=7");
  const status = page.locator(".status");
  await expect(status).toHaveAttribute("data-state", "polling");
  await expect(status.getByRole("status")).toHaveText("Live, slower");
  await expect(status).toHaveAttribute("title", /WebSockets/);
  // What was missed, not all over again.
  await expect.poll(() => asked.filter((one) => /^\?since=[0-9a-f]{16}-\d+$/.test(one.query)).length, { timeout: 30_000 }).toBeGreaterThan(2);
  const ink = await watchInk(page);
  await expect.poll(async () => (await ink()).most).toBeGreaterThan(20);
  expect(asked.filter((one) => ![200, 204, 304].includes(one.status))).toEqual([]);
  await info.attach("polling", { body: await page.screenshot(), contentType: "image/png" });
  trouble.forgive(/WebSocket/);
});

test.describe("a proxy that refuses them", () => {
  test.skip(real, "needs the mock server's proxy");
  test.afterEach(async ({ request }) => {
    await request.get("/mock/let-sockets");
  });

  test("in the middle: nothing flickers on the way to HTTP and back", async ({ page, request }) => {
    await page.goto("/?lat=48.14&lng=11.58&z=10");
    const status = page.locator(".status");
    await expect(status).toHaveAttribute("data-state", "live");
    const ink = await watchInk(page);
    await expect.poll(async () => (await ink()).most).toBeGreaterThan(100);
    const asked = watchTiles(page);
    await request.get("/mock/block-sockets");
    await request.get("/mock/drop");
    await expect(status).toHaveAttribute("data-state", "polling");
    await expect.poll(() => asked.length).toBeGreaterThan(4);
    expect(asked.every((one) => one.query.startsWith("?since="))).toBe(true);
    await request.get("/mock/let-sockets");
    // The network changed: a socket is tried at once.
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await expect(status).toHaveAttribute("data-state", "live");
    const { least, most } = await ink();
    expect(least).toBeGreaterThan(most * 0.6);
    const polls = asked.length;
    await page.waitForTimeout(5000);
    expect(asked).toHaveLength(polls);
    trouble.forgive(/WebSocket/);
  });

  test("stations move, a view that moves is filled, and the card of a station goes with it", async ({ page, request }) => {
    await request.get("/mock/block-sockets");
    await page.goto("/N0CALL-9");
    await expect(page.locator(".status")).toHaveAttribute("data-state", "polling");
    const position = page.locator(".side").getByText(/^48\.\d+° N/).first();
    const before = await position.textContent();
    await expect.poll(() => position.textContent(), { timeout: 30_000 }).not.toBe(before);
    const asked = watchTiles(page);
    await page.goto("/?lat=52.52&lng=13.4&z=10");
    await expect.poll(() => asked.filter((one) => one.query === "" && one.status === 200).length).toBeGreaterThan(0);
    const ink = await watchInk(page);
    await expect.poll(async () => (await ink()).most).toBeGreaterThan(50);
    trouble.forgive(/WebSocket/);
  });
});
