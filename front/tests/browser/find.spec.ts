/** Finding: the search, following, several stations together, other SSIDs, the nearest ones. */
import { type Page, expect, test } from "@playwright/test";
import { live, query, watchTrouble } from "./trouble";

test.skip(process.env["GODWIT_URL"] !== undefined, "walks through the mock server's stations and places");
const trouble = watchTrouble();

const box = (page: Page) => page.getByRole("combobox", { name: "Find" });
const heading = (page: Page, name: string) => page.getByRole("heading", { name, exact: true });
const option = (page: Page, name: string) => page.locator("#suggestions").getByRole("option").filter({ has: page.getByText(name, { exact: true }) });

test.describe("search", () => {
  test("by the keyboard alone: slash, letters, arrows, Enter, Escape", async ({ page }, info) => {
    await live(page, "/?lat=48.14&lng=11.58&z=9");
    await page.keyboard.press("/");
    await expect(box(page)).toBeFocused();
    await page.keyboard.type("n0call");
    await expect(box(page)).toHaveAttribute("aria-expanded", "true");
    await expect(page.locator("#suggestions").getByRole("option")).toHaveCount(4);
    await info.attach("suggestions", { body: await page.screenshot(), contentType: "image/png" });
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const second = page.locator("#suggestions").getByRole("option").nth(1);
    await expect(second).toHaveAttribute("aria-selected", "true");
    await expect(box(page)).toHaveAttribute("aria-activedescendant", await second.getAttribute("id") as string);
    // Up beyond the first: nothing is chosen, and once more: the last.
    for (const _ of [1, 2]) await page.keyboard.press("ArrowUp");
    await expect(box(page)).not.toHaveAttribute("aria-activedescendant");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect(heading(page, "N0CALL")).toBeFocused();
    await page.keyboard.press("/");
    await expect(page.locator("#suggestions").getByRole("option").first()).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.locator("#suggestions").getByRole("option")).toHaveCount(0);
    await page.keyboard.press("Escape");
    await expect(box(page)).toHaveValue("");
  });

  test("an exact name comes first, though others begin alike", async ({ page }) => {
    await live(page);
    await box(page).fill("N0CALL-13");
    await box(page).press("Enter");
    await expect(heading(page, "N0CALL-13")).toBeVisible();
  });

  test("places fly there and set the pin", async ({ page }, info) => {
    await live(page);
    await box(page).fill("munch");
    await expect(page.locator("#suggestions").getByRole("option")).toHaveCount(1);
    await expect(page.locator("#suggestions").getByRole("option")).toContainText("Germany");
    await box(page).press("Enter");
    await expect.poll(() => query(page).get("z")).toBe("11");
    expect(query(page).get("from")).toBe("48.13700,11.57500");
    await info.attach("place", { body: await page.screenshot(), contentType: "image/png" });
  });

  for (const [text, kind, lat] of [["JN58TD", "Locator", 48.1], ["-33.9, 18.4", "Coordinates", -33.9]] as const) {
    test(`${kind}`, async ({ page }) => {
      await live(page, "/?lat=0&lng=0&z=5");
      await box(page).fill(text);
      await expect(option(page, text)).toContainText(kind);
      await box(page).press("Enter");
      await expect.poll(() => Number(query(page).get("lat"))).toBeCloseTo(lat, 0);
    });
  }

  test("a wildcard's findings are marked together", async ({ page }) => {
    await live(page);
    await box(page).fill("N0*-*");
    await page.locator("#suggestions").getByRole("option", { name: "Mark all 2 on the map" }).click();
    await expect(page.getByRole("heading", { name: "2 marked stations" })).toBeVisible();
    await expect.poll(() => query(page).get("calls")).toBe("N0CALL-9,N0CALL-13");
  });

  test("a wildcard says how many there are of how many, and shows all", async ({ page }, info) => {
    const { total } = (await (await page.request.get("/api/v1/search?q=T3*&limit=1")).json()) as { total: number };
    expect(total).toBeGreaterThan(20);
    await live(page, "/?lat=48.14&lng=11.58&z=9");
    await box(page).fill("T3*");
    const options = page.locator("#suggestions").getByRole("option");
    await expect(options.filter({ has: page.locator(".age") })).toHaveCount(10);
    await expect(options.filter({ hasText: `Mark the first 20 of ${total} on the map` })).toBeVisible();
    const more = options.filter({ hasText: `10 of ${total}: show all` });
    await info.attach("wildcard", { body: await page.screenshot(), contentType: "image/png" });
    await more.click();
    await expect(options.filter({ has: page.locator(".age") })).toHaveCount(total);
    await expect(more).toHaveCount(0);
    // The choice by the keyboard stays in sight.
    for (let n = 0; n < 14; n++) await page.keyboard.press("ArrowDown");
    await expect(options.nth(13)).toHaveAttribute("aria-selected", "true");
    await expect(options.nth(13)).toBeInViewport();
  });

  test("Back after marking all undoes the marks and the view", async ({ page }) => {
    await live(page, "/?lat=48.14&lng=11.58&z=9");
    await expect.poll(() => query(page).get("z")).toBe("9");
    await box(page).fill("T3*");
    await page.locator("#suggestions").getByRole("option", { name: /^Mark the first 20/ }).click();
    await expect(page.getByRole("heading", { name: "20 marked stations" })).toBeVisible();
    await expect.poll(() => Number(query(page).get("z"))).toBeLessThan(8);
    await page.getByRole("button", { name: /^T3/ }).first().click();
    await expect(page.locator(".card")).toBeVisible();
    await page.goBack();
    await expect(page.getByRole("heading", { name: "20 marked stations" })).toBeVisible();
    await page.goBack();
    await expect(page.locator(".side")).toHaveCount(0);
    await expect.poll(() => [query(page).get("calls"), query(page).get("z"), Number(query(page).get("lat")).toFixed(1)]).toEqual([null, "9", "48.1"]);
    await page.goForward();
    await expect(page.getByRole("heading", { name: "20 marked stations" })).toBeVisible();
  });

  test("recent searches are offered, kept over a reload, and forgotten", async ({ page }) => {
    await live(page);
    for (const name of ["N0CALL-13", "Madrid"]) {
      await box(page).fill(name);
      await expect(option(page, name)).toBeVisible();
      await box(page).press("Enter");
      await expect(page.locator("#suggestions").getByRole("option")).toHaveCount(0);
    }
    await page.reload();
    await box(page).fill("");
    await box(page).focus();
    await expect(page.locator("#suggestions").getByRole("option")).toHaveText([/Madrid/, /N0CALL-13/, /Forget/]);
    await page.locator("#suggestions").getByRole("option", { name: "Forget recent searches" }).click();
    await expect(page.locator("#suggestions").getByRole("option")).toHaveCount(0);
    expect(await page.evaluate(() => localStorage.getItem("godwit.recent"))).toBe("[]");
  });

  test("what storage should not hold is not shown", async ({ page }) => {
    await page.addInitScript(() => localStorage.setItem("godwit.recent", '[{"is":"entity","name":"<img src=x onerror=alert(1)>","kind":"station"},{"is":"evil"},7]'));
    await live(page);
    await box(page).focus();
    await expect(page.locator("#suggestions").getByRole("option")).toHaveCount(2);
    await expect(page.locator("#suggestions").getByRole("option").first()).toContainText("<img src=x");
  });

  test("nothing found, and no answer, are said", async ({ page }) => {
    await live(page);
    await box(page).fill("QQQQQ");
    await expect(page.locator("#suggestions").getByRole("option")).toContainText("Nothing by that name");
    await page.route("**/api/v1/search*", (route) => route.fulfill({ status: 200, body: '{"results":7,"places":[{"name":1}]}' }));
    await box(page).fill("QQQQ");
    await expect(page.locator("#suggestions").getByRole("option")).toContainText("Nothing by that name");
  });
});

test.describe("without the service worker, which fetches by itself", () => {
  test.use({ serviceWorkers: "block" });

  test("a card that comes late does not take the box away from who writes again", async ({ page }) => {
    let give = () => {};
    const held = new Promise<void>((resolve) => {
      give = resolve;
    });
    await page.route(/\/assets\/card-[^/]*\.js$/, async (route) => {
      await held;
      await route.continue();
    });
    await live(page);
    await box(page).fill("N0CALL-13");
    await expect(option(page, "N0CALL-13")).toBeVisible();
    await box(page).press("Enter");
    await expect(page.locator("#suggestions").getByRole("option")).toHaveCount(0);
    await box(page).fill("Mad");
    await expect(page.locator(".card")).toHaveCount(0);
    give();
    await expect(page.locator(".card")).toBeVisible();
    // It would take the focus a moment after it is there.
    await page.waitForTimeout(500);
    await page.keyboard.type("rid");
    await expect(option(page, "Madrid")).toBeVisible();
  });
});

test.describe("following", () => {
  const centre = (page: Page) => `${query(page).get("lat")} ${query(page).get("lng")}`;

  test("the map goes with a moving station until it is moved by hand", async ({ page }, info) => {
    await live(page, "/?call=N0CALL-9");
    const follow = page.getByRole("button", { name: "Follow" });
    await expect(page.locator(".raw code")).toBeVisible();
    await follow.click();
    await expect(follow).toHaveAttribute("aria-pressed", "true");
    await expect(page.locator(".following")).toBeVisible();
    await expect.poll(() => query(page).get("follow")).toBe("1");
    await info.attach("following", { body: await page.screenshot(), contentType: "image/png" });
    const before = centre(page);
    await expect.poll(() => centre(page), { timeout: 40_000 }).not.toBe(before);
    // By hand.
    const { width, height } = page.viewportSize() as { width: number; height: number };
    await page.mouse.move(width * 0.6, height * 0.3);
    await page.mouse.down();
    await page.mouse.move(width * 0.6 - 60, height * 0.3 + 40, { steps: 4 });
    await page.mouse.up();
    await expect(follow).toHaveAttribute("aria-pressed", "false");
    await expect.poll(() => query(page).get("follow")).toBeNull();
  });

  test("by a link; an arrow key on the map ends it", async ({ page }) => {
    await live(page, "/N0CALL-9?follow=1");
    await expect(page.locator(".following")).toBeVisible();
    // Close enough to see it move, though the address gave no zoom.
    await expect.poll(() => query(page).get("z")).toBe("12");
    await page.locator("#map").press("ArrowRight");
    await expect(page.locator(".following")).toHaveCount(0);
  });
});

test("several stations in one link: marked, listed, and all in sight", async ({ page }, info) => {
  await live(page, `/?calls=N0CALL-9,N0CALL-13,${encodeURIComponent("<b>EVE")},NOSUCH-1`);
  const panel = page.getByRole("complementary", { name: "4 marked stations" });
  await expect(panel.getByRole("listitem")).toHaveCount(4);
  await expect(panel).toContainText("<b>EVE");
  await expect(panel.getByRole("listitem").nth(3)).toContainText("not known here");
  await expect.poll(() => Number(query(page).get("z"))).toBeGreaterThan(8);
  await info.attach("marked", { body: await page.screenshot(), contentType: "image/png" });
  await panel.getByRole("button", { name: "Remove the mark of NOSUCH-1" }).click();
  await expect.poll(() => query(page).get("calls")).toBe("N0CALL-9,N0CALL-13,<b>EVE");
  await page.locator(".side").getByRole("button", { name: /^N0CALL-13/ }).click();
  await expect(heading(page, "N0CALL-13")).toBeVisible();
  await expect(page.getByRole("button", { name: "Mark", exact: true })).toHaveAttribute("aria-pressed", "true");
  await page.goBack();
  await expect(page.getByRole("heading", { name: "3 marked stations" })).toBeVisible();
  await page.getByRole("button", { name: "Remove all marks" }).click();
  await expect(page.locator(".side")).toHaveCount(0);
  await expect.poll(() => query(page).get("calls")).toBeNull();
  // The browser itself writes a line for each 404; that one was asked for.
  trouble.forgive(/404/);
});

for (const address of ["/T2ZURICH", "/?call=T2ZURICH", "/?lat=47.9&lng=12.06&z=11&call=T2ZURICH"]) {
  test(`an object is found under its plain name: ${address}`, async ({ page }) => {
    await live(page, address);
    await expect(heading(page, "T2ZURICH")).toBeVisible();
    await expect(page.locator(".card")).toContainText("An object by its plain name");
    await expect(page.locator(".card")).toContainText("by N0CALL");
    await expect.poll(() => [query(page).get("call"), query(page).get("kind")]).toEqual(["T2ZURICH", "object"]);
    await expect(page.locator(".trail")).toContainText("No movement in this time.");
  });
}

test("an item is found under its plain name", async ({ page }) => {
  await live(page, "/PLAINITEM");
  await expect(page.locator(".card")).toContainText("An item by its plain name");
  await expect.poll(() => query(page).get("kind")).toBe("item");
});

test("a name that nobody bears offers nothing that could be done with it", async ({ page }) => {
  await live(page, "/NOSUCH-15");
  await expect(page.locator(".card .note")).toContainText("NOSUCH-15 is not known here");
  await expect(page.locator(".card").getByRole("button", { name: /^(Mark|Show the radio path|Copy packet)$/ })).toHaveCount(0);
  await expect(page.locator(".card .trail, .card .actions, .card [role=alert]")).toHaveCount(0);
  trouble.forgive(/404/);
});

test("the choice under a click is a step: Back closes it, and the card that was chosen", async ({ page }) => {
  // Too far out for a fan.
  await live(page, "/?lat=48.3&lng=12.1&z=9");
  const { width, height } = page.viewportSize() as { width: number; height: number };
  const picker = page.locator(".picker");
  const ask = () => expect(async () => {
    await page.mouse.click(width / 2, height / 2);
    await expect(picker).toBeVisible({ timeout: 1500 });
  }).toPass();
  await ask();
  await page.goBack();
  await expect(picker).toHaveCount(0);
  await expect(page).toHaveURL(/z=9/);
  await ask();
  await picker.getByRole("button", { name: "FAN-3" }).click();
  await expect(heading(page, "FAN-3")).toBeVisible();
  await page.goBack();
  await expect(page.locator(".side")).toHaveCount(0);
  await expect(page).toHaveURL(/z=9/);
  await ask();
  await page.keyboard.press("Escape");
  await expect(picker).toHaveCount(0);
});

test("other SSIDs are in the card, and a click goes to them", async ({ page }) => {
  await live(page, "/N0CALL-9");
  const others = page.getByRole("region", { name: "Other SSIDs" });
  await expect(others.getByRole("listitem")).toHaveText([/^N0CALL/, /^N0CALL-13/]);
  await others.getByRole("button", { name: "N0CALL-13" }).click();
  await expect(heading(page, "N0CALL-13")).toBeVisible();
  await page.goBack();
  await expect(heading(page, "N0CALL-9")).toBeVisible();
});

test.describe("nearest stations", () => {
  const panel = (page: Page) => page.getByRole("complementary", { name: "Nearest stations" });

  test("from a point of the map by its menu", async ({ page }, info) => {
    await live(page, "/?lat=48.05&lng=11.4&z=12");
    const { width, height } = page.viewportSize() as { width: number; height: number };
    await page.mouse.click(width / 2 + 40, height / 2 - 60, { button: "right" });
    const menu = page.getByRole("menu", { name: "This point" });
    await expect(menu.getByRole("menuitem").first()).toBeFocused();
    await info.attach("point", { body: await page.screenshot(), contentType: "image/png" });
    await page.keyboard.press("ArrowDown");
    await expect(menu.getByRole("menuitem", { name: "Measure distances from here" })).toBeFocused();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await expect(menu).toHaveCount(0);
    await expect(panel(page).getByRole("listitem").first()).toContainText("N0CALL-13");
    await expect(panel(page).getByRole("listitem").first()).toContainText(/mi \d+° [NESW]/);
    await expect.poll(() => query(page).get("from")).toMatch(/^48\.\d{5},11\.\d{5}$/);
    await info.attach("nearest", { body: await page.screenshot(), contentType: "image/png" });
    // A link says the same, and the card then tells how far it is.
    await page.reload();
    await panel(page).getByRole("button", { name: "N0CALL-13" }).click();
    await expect(page.locator(".card")).toContainText(/from your point, bearing \d+°/);
    await page.goBack();
    await panel(page).getByRole("button", { name: "Remove the pin" }).click();
    await expect(panel(page)).toHaveCount(0);
    await expect.poll(() => query(page).get("from")).toBeNull();
  });

  test("from a station, from the middle of the map, from where one is", async ({ page, context }) => {
    await live(page, "/N0CALL-13");
    await page.getByRole("button", { name: "Nearby" }).click();
    await expect(panel(page).getByRole("listitem").first()).toContainText("N0CALL-13");
    await page.keyboard.press("Escape");
    await expect(page.locator(".side")).toHaveCount(0);
    await page.keyboard.press("n");
    await expect(panel(page)).toBeVisible();
    await context.grantPermissions(["geolocation"]);
    await context.setGeolocation({ latitude: 48.2, longitude: 11.7 });
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "My position" }).click();
    await expect.poll(() => query(page).get("from")).toBe("48.20000,11.70000");
  });

  test("a long press opens the menu on a phone", async ({ page }, info) => {
    test.skip(info.project.name !== "phone", "a finger");
    await live(page, "/?lat=48.05&lng=11.4&z=12");
    // What Chromium sends after a long press.
    await page.locator("#map").evaluate((map) => map.dispatchEvent(new MouseEvent("contextmenu", { clientX: 200, clientY: 500, bubbles: true, cancelable: true })));
    await expect(page.getByRole("menu")).toBeVisible();
    for (const item of await page.getByRole("menuitem").all()) expect((await item.boundingBox())?.height).toBeGreaterThanOrEqual(43.9);
  });
});
