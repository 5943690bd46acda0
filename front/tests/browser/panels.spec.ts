/** What lies beside the map and over it: the list, the filter, settings, help, the card's sheet, and Back through all of them. */
import { type Page, expect, test } from "@playwright/test";
import { live, query, watchTrouble } from "./trouble";

test.skip(process.env["GODWIT_URL"] !== undefined, "walks through the mock server's stations");
const trouble = watchTrouble();

const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { name, exact: true });

test.describe("the list of what is in view", () => {
  const list = (page: Page) => page.getByRole("listbox", { name: "In view" });
  const names = (page: Page) => list(page).getByRole("option").locator(".name").allTextContents();

  test("by the keyboard alone, and back to the same line", async ({ page }, info) => {
    await live(page, "/?lat=48.14&lng=11.58&z=9");
    await page.keyboard.press("l");
    await expect(heading(page, "In view")).toBeFocused();
    await expect(list(page)).toBeVisible();
    await info.attach("list", { body: await page.screenshot(), contentType: "image/png" });
    await list(page).focus();
    const active = list(page).getByRole("option", { selected: true });
    await page.keyboard.press("End");
    const count = Number(await active.getAttribute("aria-setsize"));
    expect(count).toBeGreaterThan(10);
    await expect(active).toHaveAttribute("aria-posinset", String(count));
    await expect(active).toBeInViewport();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    await expect(active).toHaveAttribute("aria-posinset", "2");
    for (const letter of "N0CALL-13") await page.keyboard.press(letter);
    await expect(active).toContainText("N0CALL-13");
    await page.keyboard.press("Enter");
    await expect(heading(page, "N0CALL-13")).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(list(page)).toBeFocused();
    await expect(active).toContainText("N0CALL-13");
  });

  test("in the order of names, ages and distances", async ({ page }) => {
    await live(page, "/?lat=48.14&lng=11.58&z=10&panel=list");
    await expect(list(page)).toBeVisible();
    const byName = await names(page);
    expect(byName).toEqual([...byName].sort((a, b) => a.localeCompare(b, "en", { numeric: true })));
    await page.getByRole("radio", { name: "Distance" }).check();
    await expect.poll(() => names(page)).not.toEqual(byName);
    const km = (await list(page).locator(".way").allTextContents()).map((text) => Number(/[\d.]+/.exec(text)?.[0]));
    expect(km.length).toBeGreaterThan(5);
    expect(km).toEqual([...km].sort((a, b) => a - b));
  });

  test("stands still while somebody is in it", async ({ page }) => {
    await live(page, "/?lat=48.14&lng=11.58&z=9&panel=list");
    await page.getByRole("radio", { name: "Last heard" }).check();
    await list(page).focus();
    const before = await names(page);
    // Everybody drives on meanwhile: the ages tell that news came.
    const first = list(page).getByRole("option").first().locator(".age");
    const age = await first.textContent();
    await expect(first).not.toHaveText(age as string);
    const now = await names(page);
    expect(now).toEqual(before.filter((one) => now.includes(one)));
  });

  test("holds few rows of many, and says when it cannot list", async ({ page }) => {
    await live(page, "/?lat=49&lng=9&z=5&panel=list");
    const rows = list(page).getByRole("option");
    await expect(rows.first()).toHaveAttribute("aria-setsize", /^\d{3}$/);
    expect(await rows.count()).toBeLessThan(80);
    await list(page).focus();
    await page.keyboard.press("End");
    await expect(list(page).getByRole("option", { selected: true })).toBeInViewport();
    expect(await rows.count()).toBeLessThan(80);
    await page.goto("/?lat=49&lng=9&z=3&panel=list");
    await expect(page.locator(".side")).toContainText("Zoom in to list single stations");
  });

  test("follows the filter", async ({ page }) => {
    await live(page, "/?lat=48.14&lng=11.58&z=9&panel=list&weather=1");
    await expect(list(page)).toBeVisible();
    await expect.poll(async () => (await names(page)).includes("N0CALL-13")).toBe(true);
    expect(await names(page)).not.toContain("N0CALL-9");
  });

  test("the skip link is the first thing a key reaches", async ({ page }) => {
    await live(page, "/?lat=48.14&lng=11.58&z=9");
    await page.keyboard.press("Tab");
    const skip = page.getByRole("button", { name: "Skip to the list of stations" });
    for (let i = 0; i < 3 && !(await skip.evaluate((it) => it === document.activeElement)); i++) await page.keyboard.press("Tab");
    await expect(skip).toBeFocused();
    await expect(skip).toBeInViewport();
    await page.keyboard.press("Enter");
    await expect(heading(page, "In view")).toBeFocused();
  });
});

test("the filter counts what it shows, is named where it is on, and stays over Back", async ({ page }, info) => {
  await live(page, "/?lat=48.14&lng=11.58&z=9");
  await page.keyboard.press("o");
  const panel = page.getByRole("complementary", { name: "Show only some" });
  const counted = panel.getByRole("status");
  await expect(counted).toHaveText(/^(\d+) of \1 in view$/);
  await panel.getByRole("checkbox", { name: "Moving" }).check();
  await expect(counted).not.toHaveText(/^(\d+) of \1 in view$/);
  await panel.getByRole("combobox", { name: "Heard", exact: true }).selectOption("internet");
  await expect(counted).toHaveText(/^0 of \d+ in view$/);
  await panel.getByRole("combobox", { name: "Heard", exact: true }).selectOption("direct");
  await expect(counted).toHaveText(/^[1-9]\d* of \d+ in view$/);
  await expect.poll(() => page.url()).toContain("heard=direct");
  await panel.getByRole("combobox", { name: "Heard", exact: true }).selectOption("radio");
  await panel.getByRole("combobox", { name: "Heard within" }).selectOption("60");
  const symbol = panel.getByRole("button", { name: /Car \/>/ });
  await symbol.click();
  await expect(symbol).toHaveAttribute("aria-pressed", "true");
  await info.attach("filter", { body: await page.screenshot(), contentType: "image/png" });
  await expect.poll(() => page.url()).toContain("heard=radio");
  await page.goBack();
  await expect(panel).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Filtered" })).toBeVisible();
  expect(Object.fromEntries(query(page))).toMatchObject({ moving: "1", heard: "radio", age: "60", symbols: "/>" });
  await page.getByRole("button", { name: "Show everything" }).click();
  await expect(page.getByRole("button", { name: "Filtered" })).toHaveCount(0);
  await expect.poll(() => query(page).get("moving")).toBeNull();
});

test("Back and Escape close one thing at a time, and closing leaves nothing to go back to", async ({ page }) => {
  await live(page, "/?lat=48.14&lng=11.58&z=9");
  const steps = () => page.evaluate(() => history.length);
  const before = await steps();
  await page.keyboard.press("l");
  await expect(heading(page, "In view")).toBeVisible();
  await page.getByRole("option").first().click();
  await expect(page.locator(".card")).toBeVisible();
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard" });
  await expect(help).toBeVisible();
  await page.goBack();
  await expect(help).toHaveCount(0);
  await expect(page.locator(".card")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(heading(page, "In view")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator(".side")).toHaveCount(0);
  await expect.poll(() => query(page).get("panel")).toBeNull();
  // Closing went back over its own steps; only those forward are left.
  await page.goForward();
  await expect(heading(page, "In view")).toBeVisible();
  await page.goForward();
  await expect(page.locator(".card")).toBeVisible();
  expect(await steps()).toBeLessThanOrEqual(before + 3);
});

test("the parameters of the reference open the same", async ({ page }) => {
  await live(page, "/N0CALL-9?lat=48.2&lng=11.6&z=11&trail=6&hist=3");
  await expect(heading(page, "N0CALL-9")).toBeVisible();
  await expect.poll(() => query(page).get("z")).toBe("11");
  await live(page, "/?call=N0CALL-13");
  await expect(heading(page, "N0CALL-13")).toBeVisible();
  // A name that nothing bears: the card says so, the map is there.
  await page.goto("/nosuch%2Fname");
  await expect(page.locator(".card .note")).toContainText("nosuch/name");
  trouble.forgive(/404/);
});

test.describe("settings", () => {
  test("units change what the card says, each by itself", async ({ page }, info) => {
    await live(page, "/N0CALL-9");
    const value = (name: string) => page.locator(".card dt", { hasText: name }).first().locator("xpath=../dd");
    await expect(value("Speed")).toContainText("mph");
    await page.keyboard.press("s");
    const dialog = page.getByRole("dialog", { name: "Settings" });
    for (const [unit, one] of [["Speed", "kn"], ["Altitude", "ft"], ["Temperature", "f"], ["Wind", "bft"], ["Pressure", "inhg"], ["Rain", "in"]] as const) {
      await dialog.getByRole("combobox", { name: unit }).selectOption(one);
    }
    await info.attach("settings", { body: await page.screenshot(), contentType: "image/png" });
    await page.keyboard.press("Escape");
    await expect(dialog).toHaveCount(0);
    await expect(value("Speed")).toContainText("kn");
    await expect(value("Altitude")).toHaveText("1,703 ft");
    await page.getByRole("region", { name: "Other SSIDs" }).getByRole("button", { name: "N0CALL-13" }).click();
    await expect(page.locator(".weather")).toContainText("40 °F");
    await expect(page.locator(".weather")).toContainText(/2 Bft/);
    await expect(page.locator(".weather")).toContainText("29.92 inHg");
    await expect(page.locator(".weather")).toContainText("0.02 in");
    await expect(page.locator(".telemetry")).toContainText("25.50");
  });

  test("less motion, at once and kept", async ({ page }) => {
    await live(page);
    await page.keyboard.press("s");
    await page.getByRole("radio", { name: "Reduced" }).check();
    await expect(page.locator("html")).toHaveAttribute("data-motion", "reduce");
    await page.reload();
    await expect(page.locator("html")).toHaveAttribute("data-motion", "reduce");
  });

  test("single keys can be switched off; Escape and Tab stay", async ({ page }) => {
    await live(page);
    await page.keyboard.press("s");
    await page.getByRole("group", { name: "Single-key" }).getByRole("radio", { name: "Off" }).check();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await page.keyboard.press("l");
    await page.keyboard.press("/");
    await expect(page.locator(".side")).toHaveCount(0);
    await expect(page.getByRole("combobox", { name: "Find" })).not.toBeFocused();
  });

  test("what storage should not hold is as if it were not there", async ({ page }) => {
    await page.addInitScript(() => {
      for (const key of ["units", "theme", "language", "motion", "shortcuts", "recent"]) localStorage.setItem(`godwit.${key}`, '{"speed":"<b>"');
    });
    await live(page, "/N0CALL-9");
    await expect(page.locator(".raw code")).toBeVisible();
  });
});

test.describe("the sheet on a phone", () => {
  test.skip(({ isMobile }) => !isMobile, "a sheet is for phones");

  async function drag(page: Page, dy: number): Promise<void> {
    const box = await page.locator(".side .grip").boundingBox();
    if (box === null) throw new Error("no grip");
    const [x, y] = [box.x + box.width / 2, box.y + box.height - 8];
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let i = 1; i <= 8; i++) await page.mouse.move(x, y + (dy * i) / 8);
    // The last movement is none up or down: no flick carries it on.
    await page.mouse.move(x + 2, y + dy);
    await page.mouse.up();
  }

  test("stands at three heights, and closes when pulled out", async ({ page }, info) => {
    await live(page, "/N0CALL-9");
    const card = page.locator(".card");
    await expect(page.locator(".raw code")).toBeVisible();
    await expect(card).toHaveAttribute("data-detent", "half");
    const top = async () => Math.round((await card.boundingBox())?.y ?? 0);
    await drag(page, -260);
    await expect(card).toHaveAttribute("data-detent", "full");
    await expect.poll(top).toBe(72);
    await info.attach("full", { body: await page.screenshot(), contentType: "image/png" });
    await drag(page, 620);
    await expect(card).toHaveAttribute("data-detent", "peek");
    await expect(page.getByRole("button", { name: "Zoom in" })).toBeVisible();
    await info.attach("peek", { body: await page.screenshot(), contentType: "image/png" });
    const grip = page.getByRole("button", { name: "Make the panel larger" });
    expect((await grip.boundingBox())?.height).toBeGreaterThanOrEqual(43.9);
    await grip.click();
    await expect(card).toHaveAttribute("data-detent", "half");
    await expect.poll(top).toBe(Math.round(844 * 0.48));
    await drag(page, 430);
    await expect(card).toHaveCount(0);
  });

  test("nothing is wider than the screen", async ({ page }) => {
    for (const address of ["/N0CALL-13", "/?panel=list", "/?panel=filter", "/?from=48.1,11.5&panel=near", "/?calls=N0CALL-9,N0CALL-13"]) {
      await live(page, address);
      await expect(page.locator(".side h2")).toBeVisible();
      const [wide, screen] = await page.evaluate(() => [document.scrollingElement?.scrollWidth ?? 0, innerWidth]);
      expect([address, wide]).toEqual([address, screen]);
      for (const part of await page.locator(".side button:visible, .side select:visible, .side label.check:visible").all()) {
        const box = await part.boundingBox();
        if (box === null) continue;
        const right = Math.round(box.x + box.width);
        expect(right, `${address} ${await part.textContent()}`).toBeLessThanOrEqual(screen as number);
      }
    }
  });
});
