/** The page as an app: installable, there without a network, updated cleanly; and a tab that nobody sees costs nothing. */
import { type Page, expect, test } from "@playwright/test";
import { live, query, watchTrouble } from "./trouble";

test.skip(process.env["GODWIT_URL"] !== undefined, "needs the mock server's stations");
const trouble = watchTrouble();

/** The worker rules the page: its files are all kept. */
async function installed(page: Page): Promise<void> {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller?.state)).toBe("activated");
}

test("can be installed", async ({ page, context }) => {
  await live(page);
  await installed(page);
  const client = await context.newCDPSession(page);
  const { errors, url } = await client.send("Page.getAppManifest");
  expect([new URL(url).pathname, errors]).toEqual(["/manifest.webmanifest", []]);
  const { installabilityErrors } = await client.send("Page.getInstallabilityErrors");
  // An incognito window, as a test has, installs nothing; nothing else may be wrong.
  expect(installabilityErrors.filter((one) => one.errorId !== "in-incognito")).toEqual([]);
  const manifest = (await (await page.request.get("/manifest.webmanifest")).json()) as { icons: { src: string; sizes: string; purpose: string }[] };
  expect(manifest.icons.map((one) => `${one.sizes} ${one.purpose}`)).toEqual(["any any", "192x192 any", "512x512 any", "512x512 maskable"]);
  for (const icon of manifest.icons) {
    const side = await page.evaluate(async (src) => {
      const image = new Image();
      image.src = src;
      await image.decode();
      return image.naturalWidth;
    }, icon.src);
    if (icon.sizes !== "any") expect(`${side}x${side}`).toBe(icon.sizes);
  }
});

test("opens without a network, every part of it, and says so", async ({ page, context }, info) => {
  await live(page, "/?lat=48.14&lng=11.58&z=9");
  await installed(page);
  await context.setOffline(true);
  await page.goto("/N0CALL-9");
  await expect(page.locator(".notice")).toContainText("No connection to the server");
  await expect(page.locator(".card .note")).toContainText("did not load");
  await info.attach("offline", { body: await page.screenshot(), contentType: "image/png" });
  await page.keyboard.press("Escape");
  for (const [key, title] of [["l", "In view"], ["o", "Show only some"], ["s", "Settings"], ["?", "Keyboard"]] as const) {
    await page.keyboard.press(key);
    await expect(page.getByRole("heading", { name: title })).toBeVisible();
    await page.keyboard.press("Escape");
  }
  await context.setOffline(false);
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await expect(page.locator(".status")).toHaveAttribute("data-state", "live");
  await expect(page.locator(".notice")).toHaveCount(0);
  trouble.forgive(/ERR_INTERNET_DISCONNECTED|WebSocket|Failed to load resource/);
});

test("keeps no answer of the API and nothing live", async ({ page }) => {
  await live(page, "/N0CALL-9");
  await installed(page);
  await expect(page.locator(".raw code")).toBeVisible();
  await page.reload();
  await expect(page.locator(".raw code")).toBeVisible();
  const kept = await page.evaluate(async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return requests.flat().map((one) => new URL(one.url).pathname);
  });
  expect(kept).toContain("/");
  expect(kept.filter((path) => /^\/assets\/.*\.js$/.test(path)).length).toBeGreaterThan(10);
  expect(kept.filter((path) => !/^\/(assets\/[^/]+|basemap\/\d+\/\d+\/\d+\.mvt|manifest\.webmanifest)?$/.test(path))).toEqual([]);
});

test("a new build waits until the old one is seen no more, then its store is gone", async ({ page, context }) => {
  await live(page);
  await installed(page);
  const shells = () => page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("godwit-shell-")));
  const [old, ...others] = await shells();
  expect(others).toEqual([]);
  // The same worker with another version, as the next build would be.
  await page.request.get("/mock/next-build");
  try {
    await page.evaluate(() => navigator.serviceWorker.ready.then((one) => one.update()).then(() => undefined));
    await expect.poll(() => page.evaluate(() => navigator.serviceWorker.ready.then((one) => one.waiting?.state))).toBe("installed");
    expect(await shells()).toHaveLength(2);
    const next = await context.newPage();
    await page.close();
    // The browser may take a moment to see that nobody shows the old build any more: come again until it has.
    await expect(async () => {
      await next.goto("about:blank");
      await next.goto("/");
      expect(await next.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("godwit-shell-")))).toHaveLength(1);
    }).toPass();
    expect(await next.evaluate((name) => caches.has(name as string), old)).toBe(false);
    await next.close();
  } finally {
    await context.request.get("/mock/this-build");
  }
});

test("a tab that nobody sees pauses, costs nothing, and catches up", async ({ page }) => {
  await page.clock.install();
  const sockets: { closed: boolean; sent: string[] }[] = [];
  page.on("websocket", (socket) => {
    const one = { closed: false, sent: [] as string[] };
    sockets.push(one);
    socket.on("close", () => {
      one.closed = true;
    });
    socket.on("framesent", (frame) => one.sent.push(String(frame.payload)));
  });
  const see = (state: "hidden" | "visible") => page.evaluate((to) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => to });
    Object.defineProperty(document, "hidden", { configurable: true, get: () => to === "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
  await live(page, "/?lat=48.14&lng=11.58&z=9&panel=list");
  await see("hidden");
  await page.clock.fastForward(185_000);
  await expect(page.locator(".status")).toHaveAttribute("data-state", "paused");
  await expect.poll(() => sockets.at(-1)?.closed).toBe(true);
  const before = sockets.length;
  // An hour: no connection, no question.
  const asked: string[] = [];
  // A picture of the build that was on its way is no question.
  page.on("request", (request) => /\/assets\//.test(request.url()) || asked.push(request.url()));
  for (let minute = 0; minute < 60; minute += 5) await page.clock.fastForward(300_000);
  expect([sockets.length, asked]).toEqual([before, []]);
  await see("visible");
  await page.clock.fastForward(1000);
  await expect(page.locator(".status")).toHaveAttribute("data-state", "live");
  // It says what it has, to get only what it missed.
  await expect.poll(() => sockets.at(-1)?.sent[0] ?? "").toMatch(/"tiles":\[\[\d+,\d+,\d+,\d+\].*"epoch":"/);
  expect(query(page).get("panel")).toBe("list");
});
