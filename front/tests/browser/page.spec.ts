/** The page against a running server with moving stations: the mock server, or whatever GODWIT_URL names. */
import { type Page, expect, test } from "@playwright/test";
import { PNG } from "./png";
import { live, watchTrouble } from "./trouble";

const mock = process.env["GODWIT_URL"] === undefined;
const trouble = watchTrouble();

/** Name and position of a station that is there, whatever server it is. */
async function known(page: Page): Promise<{ name: string; latitude: number; longitude: number }> {
  if (mock) return { name: "N0CALL-9", latitude: 48.137, longitude: 11.575 };
  const answer = await page.request.get("/api/v1/stations?bbox=-180,-85,180,85&limit=50");
  const { stations } = (await answer.json()) as { stations: { name: string; kind: string; latitude: number; longitude: number }[] };
  const found = stations.find((one) => one.kind === "station");
  if (found === undefined) throw new Error("the server knows no station");
  return found;
}

async function search(page: Page, name: string): Promise<void> {
  const box = page.getByRole("combobox", { name: "Find" });
  await box.fill(name);
  await expect(page.getByRole("option").first()).toContainText(name);
  await box.press("Enter");
}

/** How many different colours the pixels of the map have, symbols and labels included. */
async function colours(page: Page): Promise<number> {
  const { data } = PNG(await page.locator("#map").screenshot());
  const seen = new Set<number>();
  for (let i = 0; i < data.length; i += 4) seen.add(((data[i] as number) << 16) | ((data[i + 1] as number) << 8) | (data[i + 2] as number));
  return seen.size;
}

test("loads under the strict policy and shows the state of the network", async ({ page }) => {
  const response = await page.goto("/");
  const policy = response?.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe");
  await expect(page.locator(".status")).toHaveAttribute("data-state", "live");
  await expect(page.locator(".status .figure").first()).toContainText(/\d+ stations?/);
  await expect(page.locator(".status").getByRole("status")).toHaveText("Live");
});

test("search suggests, Enter flies there and opens the card", async ({ page }) => {
  const { name } = await known(page);
  await live(page, "/?lat=0&lng=0&z=7");
  await page.keyboard.press("/");
  await expect(page.getByRole("combobox", { name: "Find" })).toBeFocused();
  await search(page, name);
  await expect(page.getByRole("heading", { name, exact: true })).toBeVisible();
  await expect(page.locator(".raw code")).toContainText(name);
  await expect(page).toHaveURL(/call=/);
  await expect(page).toHaveURL((url) => Number(url.searchParams.get("z")) >= 11 && url.searchParams.get("lat") !== "0.000");
});

test("symbols are drawn, move, and open their card when clicked", async ({ page }, info) => {
  const { name } = await known(page);
  await live(page);
  await search(page, name);
  await expect(page.locator(".raw code")).toBeVisible();
  await expect.poll(() => colours(page)).toBeGreaterThan(20);
  await info.attach("map", { body: await page.screenshot(), contentType: "image/png" });

  if (mock) {
    // N0CALL-9 drives: its card follows the stream.
    const position = page.locator("dt", { hasText: "Position" }).locator("xpath=..").locator("dd p").first();
    const before = await position.textContent();
    await expect(position).not.toHaveText(before as string, { timeout: 30_000 });
  }
  const before = await page.locator("#map").screenshot();
  await expect.poll(async () => (await page.locator("#map").screenshot()).equals(before), { timeout: 30_000 }).toBe(false);
});

test("a click on a symbol opens its card", async ({ page }) => {
  test.skip(!mock, "needs a station that stands still at a known place");
  await live(page, "/?lat=48.05&lng=11.4&z=13");
  await expect.poll(() => colours(page)).toBeGreaterThan(5);
  const { width, height } = page.viewportSize() as { width: number; height: number };
  await expect(async () => {
    await page.mouse.click(width / 2, height / 2);
    await expect(page.getByRole("heading", { name: "N0CALL-13" })).toBeVisible({ timeout: 2000 });
  }).toPass();
  await expect(page.locator(".weather")).toContainText("4.4 °C");
  await page.keyboard.press("Escape");
  await expect(page.locator(".card")).toHaveCount(0);
});

test("the card: hostile text stays text, ages count, units change", async ({ page }) => {
  test.skip(!mock, "needs the mock server's hostile names");
  await live(page, `/?lat=48.2&lng=11.7&z=12&call=${encodeURIComponent("<b>EVE")}&kind=object`);
  await expect(page.getByRole("heading", { name: "<b>EVE" })).toBeVisible();
  await expect(page.locator(".card")).toContainText("by N0CALL");
  await expect(page.locator(".raw code")).toContainText("<img src=x onerror=alert(1)>");
  expect(await page.locator(".card img[src='x'], .card b").count()).toBe(0);
  const age = page.locator(".heard time");
  await expect(age).toHaveAttribute("title", /UTC\n/);
  const first = await age.textContent();
  await expect(age).not.toHaveText(first as string);
});

test("an unknown name says so", async ({ page }) => {
  await page.goto("/NOSUCH-15");
  await expect(page.locator(".card .note")).toContainText("NOSUCH-15");
  // The browser itself writes a line for each 404; that one is asked for.
  trouble.forgive(/404/);
});

test("the address keeps the view and the card; back closes the card", async ({ page }) => {
  const { name } = await known(page);
  await live(page, "/?lat=48.1&lng=11.6&z=10");
  await page.getByRole("button", { name: "Zoom in" }).click();
  await expect(page).toHaveURL(/z=11/);
  await search(page, name);
  await expect(page).toHaveURL(/call=/);
  await page.goBack();
  await expect(page.locator(".card")).toHaveCount(0);
  await expect(page).not.toHaveURL(/call=/);
  await page.goForward();
  await expect(page.getByRole("heading", { name, exact: true })).toBeVisible();
  const address = page.url();
  await page.reload();
  await expect(page.getByRole("heading", { name, exact: true })).toBeVisible();
  await expect.poll(() => new URL(page.url()).searchParams.get("call")).toBe(new URL(address).searchParams.get("call"));
});

test("bad values in the address fall back", async ({ page }) => {
  await live(page, "/?lat=999&lng=abc&z=-7&kind=evil");
  await expect(page.locator("#map")).toBeVisible();
});

test("a theme chosen in one tab reaches the others", async ({ page, context }) => {
  await live(page);
  const other = await context.newPage();
  await live(other);
  await expect(other.locator("html")).toHaveAttribute("data-theme", "light");
  await page.getByRole("button", { name: "Map and display" }).click();
  await page.getByRole("radio", { name: "Dark" }).check();
  await expect(other.locator("html")).toHaveAttribute("data-theme", "dark");
  await other.close();
});

test("text from the air cannot turn the direction of writing", async ({ page }) => {
  test.skip(!mock, "needs the mock server's hostile names");
  await live(page, "/BIDI-1");
  await expect(page.locator(".comment")).toHaveText("left [U+202E]gnorw[U+202C] right");
  await live(page, `/?call=${encodeURIComponent("\u202e\u202eab")}&kind=object`);
  await expect(page.getByRole("heading", { name: "[U+202E][U+202E]ab" })).toBeVisible();
  expect(await page.locator(".card").textContent()).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
});

test("on a phone's side every control is on the screen and can be touched", async ({ browser, baseURL }, info) => {
  const context = await browser.newContext({ baseURL: baseURL as string, viewport: { width: 844, height: 390 }, hasTouch: true, isMobile: true, locale: "en-GB" });
  const page = await context.newPage();
  for (const address of ["/?lat=48.14&lng=11.58&z=9", `/?lat=48.14&lng=11.58&z=9&at=${new Date(Date.now() - 600_000).toISOString().slice(0, 19)}Z`]) {
    await live(page, address);
    if (address.includes("&at=")) await expect(page.getByRole("region", { name: "Time travel" })).toBeVisible();
    await info.attach("landscape", { body: await page.screenshot(), contentType: "image/png" });
    for (const button of await page.locator(".controls button").all()) {
      const name = await button.getAttribute("aria-label");
      const reached = await button.evaluate((element) => {
        const { left, right, top, bottom } = element.getBoundingClientRect();
        const inside = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
        return inside && element.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
      });
      expect([address, name, reached]).toEqual([address, name, true]);
    }
  }
  await live(page, "/?lat=48.14&lng=11.58&z=9");
  for (const [button, title] of [["List what is in view", "In view"], ["Show only some", "Show only some"]] as const) {
    await page.getByRole("button", { name: button, exact: true }).tap();
    await expect(page.getByRole("heading", { name: title })).toBeVisible();
    await page.getByRole("button", { name: "Close", exact: true }).tap();
    await expect(page.locator(".side")).toHaveCount(0);
  }
  await context.close();
});

test("theme and units are remembered", async ({ page }) => {
  await live(page);
  await page.getByRole("button", { name: "Map and display" }).click();
  await page.getByRole("radio", { name: "Dark" }).check();
  await page.getByRole("button", { name: "Units, language and more" }).click();
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await dialog.getByRole("button", { name: "Nautical" }).click();
  await dialog.getByRole("combobox", { name: "Rain" }).selectOption("in");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  // Keys are heard as soon as there is a page.
  await expect(page.locator(".status")).toBeVisible();
  await page.keyboard.press("s");
  await expect(dialog.getByRole("combobox", { name: "Speed" })).toHaveValue("kn");
  await expect(dialog.getByRole("combobox", { name: "Rain" })).toHaveValue("in");
  await expect(dialog.getByRole("button", { name: "Nautical" })).toHaveAttribute("aria-pressed", "false");
});

test("the language is the browser's, can be changed, and is remembered", async ({ browser, baseURL }, info) => {
  const context = await browser.newContext({ locale: "de-DE", baseURL: baseURL as string, viewport: info.project.use.viewport ?? null });
  const page = await context.newPage();
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  await live(page);
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await expect(page.locator(".search input")).toHaveAttribute("placeholder", "Rufzeichen, Ort oder Locator");
  expect(requests.filter((url) => /texts\.(es|fr)/.test(url))).toEqual([]);
  await page.getByRole("button", { name: "Karte und Anzeige" }).click();
  await page.getByRole("button", { name: "Einheiten, Sprache und mehr" }).click();
  await page.getByRole("combobox", { name: "Sprache" }).selectOption("fr");
  await expect(page.locator("html")).toHaveAttribute("lang", "fr");
  await expect(page.getByRole("dialog", { name: "Réglages" })).toBeVisible();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("lang", "fr");
  await expect(page.getByRole("button", { name: "Carte et affichage" })).toBeVisible();
  if (mock) {
    await live(page, "/?lat=48.1&lng=11.5&z=11&call=N0CALL-9");
    await expect(page.locator(".card .who")).toContainText("Voiture · Station");
    await info.attach("card-fr", { body: await page.screenshot(), contentType: "image/png" });
    await page.keyboard.press("Escape");
    await page.keyboard.press("o");
    await expect(page.getByRole("button", { name: "Symbole Voiture />" })).toBeVisible();
    await info.attach("filter-fr", { body: await page.screenshot(), contentType: "image/png" });
  }
  await context.close();
});

test("filters hide what is not wanted, stand in the address, and can be cleared", async ({ page }, info) => {
  test.skip(!mock, "needs a view with a known single station");
  await live(page, "/?lat=48.05&lng=11.4&z=13&weather=1");
  const panel = page.getByRole("complementary", { name: "Show only some" });
  await page.keyboard.press("o");
  await expect(page.getByRole("checkbox", { name: "With weather" })).toBeChecked();
  await info.attach("filter", { body: await page.screenshot(), contentType: "image/png" });
  await page.getByRole("combobox", { name: "Kind" }).selectOption("object");
  await expect(page).toHaveURL(/only=object/);
  await page.keyboard.press("Escape");
  // No object stands there: the click finds nothing.
  const { width, height } = page.viewportSize() as { width: number; height: number };
  await page.mouse.click(width / 2, height / 2);
  await expect(page.locator(".card, .picker")).toHaveCount(0);
  await page.keyboard.press("o");
  await panel.getByRole("button", { name: "Show everything" }).click();
  await expect(page).not.toHaveURL(/only=|weather=/);
  await page.keyboard.press("Escape");
  await expect(async () => {
    await page.mouse.click(width / 2, height / 2);
    await expect(page.getByRole("heading", { name: "N0CALL-13" })).toBeVisible({ timeout: 2000 });
  }).toPass();
});

test("follows the system's dark theme", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await live(page);
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.emulateMedia({ colorScheme: "light" });
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
});

test("says when the connection is lost and comes back by itself", async ({ page }) => {
  test.skip(!mock, "the mock server drops connections on request");
  await live(page);
  const opened: string[] = [];
  page.on("websocket", (socket) => opened.push(socket.url()));
  await page.request.get("/mock/drop");
  await expect(page.locator(".status")).toHaveAttribute("data-state", /reconnecting|live/);
  await expect.poll(() => opened.length).toBeGreaterThan(0);
  await expect(page.locator(".status")).toHaveAttribute("data-state", "live");
  // A broken connection is an error line of the browser's, not of the page.
  trouble.forgive(/WebSocket/);
});

test("nothing to press is smaller than a finger, and nothing leaves the screen", async ({ page }) => {
  const { name } = await known(page);
  await live(page);
  await search(page, name);
  await expect(page.locator(".raw code")).toBeVisible();
  const width = (page.viewportSize() as { width: number }).width;
  for (const button of await page.locator(".card header button, .card .action, .controls button, .search button").all()) {
    const box = await button.boundingBox();
    if (box === null) continue;
    expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(43.9);
    expect(box.x + box.width).toBeLessThanOrEqual(width);
  }
});
