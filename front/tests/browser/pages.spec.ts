/** The pages beside the map: packets byte by byte, a station, weather over time, status, the API with forms, what this is. */
import { expect, test } from "@playwright/test";
import { live, watchTrouble } from "./trouble";

const mock = process.env["GODWIT_URL"] === undefined;
const trouble = watchTrouble();

test.describe("with the mock server", () => {
  test.skip(!mock, "needs what the mock server knows");

  test("packets come by themselves, stand still when asked to, and open to the last byte", async ({ page }, info) => {
    await page.goto("/packets");
    await expect(page).toHaveTitle("Packets · Godwit");
    const first = page.locator(".packet").first();
    const before = await first.locator("code").first().textContent();
    const clock = await first.locator("time").first().textContent();
    await expect(first.locator("time").first()).not.toHaveText(clock as string);
    expect(before).not.toBe("");

    // Opening a line keeps it where it is.
    const second = page.locator(".packet").filter({ has: page.locator("[data-verdict=accepted]", { hasText: "Position" }) }).first();
    await second.locator(".opener").click();
    const open = page.locator(".packet[data-open=true]");
    await expect(open.locator("tbody tr")).not.toHaveCount(0);
    await expect(open.locator("tbody")).toContainText("Latitude.");
    await expect(open.locator("tbody")).toContainText("48.13717 degrees");
    await expect(open.locator(".path")).toContainText("DB0XYZ-2");
    await expect(page.getByRole("button", { name: "Go on" })).toBeVisible();
    const [top] = await Promise.all([page.locator(".packet time").first().textContent(), expect(page.locator(".tools .waiting")).toContainText(/\d+ new packets? (is|are) waiting/)]);
    await expect(page.locator(".packet time").first()).toHaveText(top as string);
    await info.attach("packets", { body: await page.screenshot(), contentType: "image/png" });
    await page.getByRole("button", { name: "Go on" }).click();
    await expect(page.locator(".packet time").first()).not.toHaveText(top as string);

    // By the keyboard as well; the list goes on meanwhile, so it is one certain packet, and not the open one.
    const named = await page.locator(".packet[data-open=false]").nth(3).locator(".opener").getAttribute("aria-label") as string;
    const opener = page.getByRole("button", { name: named, exact: true }).first();
    await opener.focus();
    await page.keyboard.press("Enter");
    await expect(opener).toHaveAttribute("aria-expanded", "true");
    await page.keyboard.press("Space");
    await expect(opener).toHaveAttribute("aria-expanded", "false");
  });

  test("packets are filtered by kind and text, in the address too, and older ones follow", async ({ page }) => {
    await page.goto("/packets?kind=weather");
    const badges = page.locator(".packet .badge");
    await expect(badges.first()).toHaveText("Weather");
    expect(new Set(await badges.allTextContents())).toEqual(new Set(["Weather"]));
    await page.getByLabel("Kind").selectOption("Status");
    await expect(page).toHaveURL(/kind=status/);
    await expect(badges.first()).toHaveText("Status");
    await page.getByLabel("Kind").selectOption("All");
    await page.getByLabel("Line contains").fill("NO SUCH TEXT");
    await expect(page.locator(".note")).toContainText("None of the latest packets");
    await page.getByLabel("Line contains").fill("hello <i>");
    await expect(page).toHaveURL(/text=hello/);
    await expect(page.locator(".packet code").first()).toContainText("Hello <i>there</i>");
    await page.getByLabel("Line contains").fill("");
    await expect(page).not.toHaveURL(/text=/);
    await expect(page.locator(".packet")).toHaveCount(100);
    await page.getByRole("button", { name: "Pause" }).click();
    const count = await page.locator(".packet").count();
    await page.getByRole("button", { name: "Older" }).click();
    await expect.poll(() => page.locator(".packet").count()).toBe(count + 100);
  });

  test("of one station, and back to where one was", async ({ page }) => {
    await page.goto("/packets");
    await page.getByLabel("Only of one station").fill("N0CALL-9");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(page).toHaveURL(/\/packets\/N0CALL-9$/);
    await expect(page).toHaveTitle("N0CALL-9 · Packets · Godwit");
    await expect(page.locator(".packet .from").first()).toHaveText("N0CALL-9");
    await page.locator(".packet .from a").first().click();
    await expect(page).toHaveURL(/\/info\/N0CALL-9$/);
    await expect(page.getByRole("heading", { name: "N0CALL-9", exact: true })).toBeVisible();
    await page.goBack();
    await expect(page).toHaveURL(/\/packets\/N0CALL-9$/);
    await page.goBack();
    await expect(page.getByRole("heading", { name: "Packets" })).toBeVisible();
  });

  test("bad lines are told with the reason", async ({ page }, info) => {
    await page.goto("/badpackets");
    await expect(page).toHaveTitle("Bad lines · Godwit");
    await expect(page.locator(".packet .reason").first()).toContainText(/No packet: (There is no header|The information field)/);
    await page.locator(".packet", { hasText: "no header at all <b>bold</b>" }).first().locator(".opener").click();
    await expect(page.locator(".explanation .note")).toContainText("There is no header of the form");
    await expect(page.locator("b", { hasText: "bold" })).toHaveCount(0);
    await info.attach("bad lines", { body: await page.screenshot(), contentType: "image/png" });
  });

  test("a station: position, path, who heard it, its packets, its neighbours", async ({ page }, info) => {
    await page.goto("/info/N0CALL-13");
    await expect(page).toHaveTitle("N0CALL-13 · Station · Godwit");
    await expect(page.locator("#where")).toHaveText("Position");
    await expect(page.locator("main")).toContainText("JN58qb");
    await expect(page.locator("main")).toContainText("Repeated by DB0XYZ-2.");
    const by = page.getByRole("region", { name: "Stations that heard N0CALL-13 directly on radio" }).locator("tbody tr");
    await expect(by).toHaveCount(6);
    await expect(by.first()).toContainText("900");
    // GB measures in miles.
    await expect(by.first()).toContainText("7.6 mi");
    await expect(page.getByRole("region", { name: "Stations that N0CALL-13 heard directly on radio" }).locator("tbody tr")).toHaveCount(4);
    await expect(page.locator(".brief li").first()).toContainText("N0CALL-13>");
    await expect(page.locator("section", { hasText: "Other SSIDs" }).locator(".line").first()).toContainText("N0CALL");
    await expect(page.locator("section", { hasText: "Nearest stations" }).locator(".line")).toHaveCount(10);
    await info.attach("station", { body: await page.screenshot({ fullPage: true }), contentType: "image/png" });
    await page.getByRole("navigation", { name: "Pages about N0CALL-13" }).getByRole("link", { name: "On the map" }).click();
    await expect(page.locator(".card h2")).toHaveText("N0CALL-13");
    await page.goBack();
    await expect(page).toHaveURL(/\/info\/N0CALL-13$/);
  });

  test("names that mean harm are names", async ({ page }) => {
    await page.goto("/info/%3Cb%3EEVE?kind=object");
    await expect(page.getByRole("heading", { name: "<b>EVE" })).toBeVisible();
    await expect(page.locator("main")).toContainText("Object");
    await page.goto("/info/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E");
    await expect(page.locator(".note")).toContainText("<img src=x onerror=alert(1)> is not known here");
    trouble.forgive(/404/);
  });

  test("weather over a day to a month, with values by pointer, keys and as a table", async ({ page }, info) => {
    await page.goto("/weather/N0CALL-13");
    await expect(page.locator(".chart")).toHaveCount(8);
    const temperature = page.getByRole("figure", { name: /^Temperature/ });
    await expect(temperature.locator(".plot path.tone0")).toHaveAttribute("d", /M[\d.]+ [\d.]+L/);
    const plot = temperature.getByRole("group");
    await plot.hover({ position: { x: 150, y: 80 } });
    await expect(temperature.locator(".reading")).toContainText(/Temperature -?\d+\.\d °C · Dew point \(computed\) -?\d+\.\d °C/);
    // All charts of the page show that moment.
    await expect(page.getByRole("figure", { name: /^Humidity/ }).locator(".reading")).toContainText(/Humidity \d+ %/);
    await plot.focus();
    await page.keyboard.press("Home");
    await expect(page.getByRole("figure").getByRole("status")).toHaveCount(1);
    const first = await temperature.locator(".reading").textContent();
    await page.keyboard.press("ArrowRight");
    await expect(temperature.locator(".reading")).not.toHaveText(first as string);
    await page.keyboard.press("Escape");
    await expect(temperature.locator(".reading")).toHaveText("");

    await page.getByRole("radio", { name: "30 days" }).check({ force: true });
    await expect(page).toHaveURL(/range=30d/);
    await expect(temperature.locator("svg text", { hasText: /^\d+ [A-Z][a-z]+$/ }).first()).toBeVisible();
    await page.getByText("Values as a table").click();
    await expect(page.locator(".as-table tbody tr").first()).toContainText("°C");
    await info.attach("weather", { body: await page.screenshot({ fullPage: true }), contentType: "image/png" });

    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("dialog").getByLabel("Temperature").selectOption("°F");
    await page.keyboard.press("Escape");
    await expect(temperature).toContainText("°F");
    await expect(page.locator(".as-table tbody tr").first()).toContainText("°F");

    // Telemetry, by what the station said of it.
    await expect(page.getByRole("figure", { name: "Battery V" })).toBeVisible();
    await expect(page.locator(".bits")).toContainText("<b>Door</b>");
  });

  test("a station without weather says so", async ({ page }) => {
    await page.goto("/weather/N0CALL-9");
    await expect(page.locator(".note")).toContainText("No weather was received");
    await expect(page.locator(".chart")).toHaveCount(0);
  });

  for (const [name, there] of [["TELEM-1", true], ["N0CALL-13", true], ["N0CALL-9", false]] as const) {
    test(`weather and telemetry can be reached where there is some, and only there: ${name}`, async ({ page }) => {
      for (const path of [`/info/${name}`, `/packets/${name}`]) {
        await page.goto(path);
        const tabs = page.getByRole("navigation", { name: `Pages about ${name}` });
        await expect(tabs.getByRole("link", { name: "On the map" })).toBeVisible();
        if (there) await expect(tabs.getByRole("link", { name: "Weather and telemetry" })).toBeVisible();
        else {
          await page.waitForResponse((response) => response.url().includes("kind=weather"));
          await expect(tabs.getByRole("link", { name: "Weather and telemetry" })).toHaveCount(0);
        }
      }
      const asked = there ? null : page.waitForResponse((response) => response.url().includes("kind=weather"));
      await page.goto(`/?call=${name}`);
      await expect(page.locator(".card .actions")).toBeVisible();
      await asked;
      await expect(page.locator(".card").getByRole("link", { name: "Charts" })).toHaveCount(there ? 1 : 0);
    });
  }

  test("a status that tells strangers little is shown as far as it goes", async ({ page }) => {
    for (const json of [{}, {
      version: "x", entities: 5, feed: { state: "verified" }, kept: {}, live: { latency_ms: { p50: 5 } }, queues: { feed: { depth: 1 } }, limit: {},
      jobs: [{ name: "retention" }], cluster: { database: {}, bus: {}, spool: {}, world: {} }, devices_fetch: { state: "closed" }, history: { nothing: null },
    }]) {
      await page.route("**/api/v1/status", (route) => route.fulfill({ json }));
      await page.goto("/status");
      await expect(page.getByRole("figure", { name: "Packets per hour" })).toBeVisible();
      expect(await page.locator("main").textContent()).not.toMatch(/NaN|undefined|null/);
      await page.unroute("**/api/v1/status");
    }
  });

  test("the status is told and renewed", async ({ page }, info) => {
    await page.goto("/status");
    await expect(page.locator("main")).toContainText("connected, read-only");
    await expect(page.locator("main")).toContainText("leads: it takes packets in");
    await expect(page.locator(".state[data-good=false]").first()).toBeVisible();
    await expect(page.locator(".histogram tr")).toHaveCount(10);
    await expect(page.getByRole("figure", { name: "Packets per hour" }).locator("path.bars")).toHaveAttribute("d", /^M/);
    await page.waitForRequest((request) => request.url().endsWith("/api/v1/status"));
    await info.attach("status", { body: await page.screenshot({ fullPage: true }), contentType: "image/png" });
  });

  test("a route of the API is tried out", async ({ page }) => {
    await page.goto("/api");
    await expect(page).toHaveTitle("API · Godwit");
    const route = page.locator(".route", { hasText: "/api/v1/stations/{name}" });
    await route.locator("summary").click();
    await expect(route.getByRole("button", { name: "Try it" })).toBeDisabled();
    await route.getByLabel("name required").fill("N0CALL-9");
    await route.getByRole("button", { name: "Try it" }).click();
    await expect(route.locator("pre")).toContainText('"name": "N0CALL-9"');
    await expect(route.getByRole("status").last()).toContainText("200");
    await route.getByLabel("name required").fill("nobody");
    await route.getByLabel("name required").press("Enter");
    await expect(route.locator("pre")).toContainText("nothing named nobody");
    trouble.forgive(/404/);
  });

  test("the map's menu and the card lead to the pages", async ({ page }) => {
    await live(page, "/N0CALL-13");
    await page.getByRole("link", { name: "More" }).click();
    await expect(page).toHaveURL(/\/info\/N0CALL-13$/);
    await page.goBack();
    await page.getByRole("link", { name: "Charts" }).click();
    await expect(page).toHaveURL(/\/weather\/N0CALL-13$/);
    await live(page, "/?lat=48.1&lng=11.5&z=9");
    await page.getByRole("button", { name: "Map and display" }).click();
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Packets" }).click();
    await expect(page).toHaveURL(/\/packets$/);
    await expect(page.locator(".packet").first()).toBeVisible();
    await page.goBack();
    await expect(page).toHaveURL(/z=9/);
    await expect(page.locator(".status")).toHaveAttribute("data-state", "live");
  });

  test("in the language that was chosen, whole", async ({ page }) => {
    await page.goto("/packets");
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("dialog").getByLabel("Language").selectOption("Deutsch");
    await expect(page.getByRole("heading", { name: "Pakete" })).toBeVisible();
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    await expect(page).toHaveTitle("Pakete · Godwit");
    await page.keyboard.press("Escape");
    await page.locator(".packet", { hasText: "Position" }).first().locator(".opener").click();
    await expect(page.locator(".explanation tbody").first()).toContainText("Geografische Breite.");
    await page.goto("/badpackets");
    await expect(page.locator(".reason", { hasText: "Vorne fehlt ein Kopf" }).first()).toBeVisible();
    await expect(page.locator(".reason [lang=en]")).toHaveCount(0);
    await page.goto("/api");
    await expect(page.getByText("Eine Station, ein Objekt oder ein Gegenstand mit allem, was zuletzt gesagt wurde.")).toBeVisible();
    await expect(page.locator(".route [lang=en]")).toHaveCount(0);
    await page.goto("/info/N0CALL-9");
    await expect(page.locator(".station-head")).toContainText("Auto · Station");
    await page.goto("/status");
    await expect(page.locator("main")).toContainText("verbunden, nur lesend");
  });

  test("a server that does not answer is said, and asked again", async ({ page }) => {
    await page.route("**/api/v1/packets?*", (route) => route.fulfill({ status: 503, contentType: "application/json", body: '{"error":{"code":"x","message":"The archive rests."}}' }));
    await page.goto("/packets");
    await expect(page.locator(".note")).toContainText("The archive rests.");
    await page.unroute("**/api/v1/packets?*");
    await expect(page.locator(".packet").first()).toBeVisible();
    await expect(page.locator(".note")).toHaveCount(0);
    trouble.forgive(/503/);
  });
});

test("every page opens under the strict policy, without WebGL and without a map", async ({ page }) => {
  await page.addInitScript(() => {
    HTMLCanvasElement.prototype.getContext = () => null;
  });
  for (const path of ["/packets", "/badpackets", "/info", "/weather", "/status", "/api", "/about"]) {
    const response = await page.goto(path);
    expect([path, response?.status()]).toEqual([path, 200]);
    expect(response?.headers()["content-security-policy"]).toContain("default-src 'none'");
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.locator("#map")).toHaveCount(0);
    await expect(page).toHaveTitle(/ · Godwit$/);
    // Nothing is wider than the window.
    expect([path, await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)]).toEqual([path, 0]);
  }
});

test("the shell opens the pages without a network", async ({ page, context }) => {
  await live(page);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller?.state)).toBe("activated");
  await context.setOffline(true);
  for (const [path, heading] of [["/packets/N0CALL-9", "N0CALL-9"], ["/about", "About"], ["/status", "Status"]] as const) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1, name: heading })).toBeVisible();
  }
  await expect(page.locator(".note")).toBeVisible();
  await page.goto("/info/N0CALL-9");
  await expect(page.locator(".note").first()).toContainText("This did not load: the server cannot be reached.");
  trouble.forgive(/ERR_INTERNET_DISCONNECTED|Failed to load resource|WebSocket/);
});

test("a real server's packets, station, weather, status and routes", async ({ page }) => {
  test.skip(mock, "the mock server has tests of its own");
  await page.goto("/packets");
  await page.locator(".packet .opener").first().click();
  await expect(page.locator(".explanation tbody tr").first()).toBeVisible();
  await page.locator(".packet .from a").first().click();
  await expect(page).toHaveURL(/\/info\//);
  await expect(page.locator(".brief li").first()).toBeVisible();
  const answer = await page.request.get("/api/v1/packets?kind=weather&limit=1");
  const [weather] = ((await answer.json()) as { packets: { source: string }[] }).packets;
  if (weather !== undefined) {
    await page.goto(`/weather/${encodeURIComponent(weather.source)}`);
    await expect(page.locator(".chart").first()).toBeVisible();
  }
  await page.goto("/status");
  await expect(page.locator("#store")).toBeVisible();
  await expect(page.getByRole("figure", { name: "Packets per hour" })).toBeVisible();
  await page.goto("/api");
  const route = page.locator(".route", { hasText: "/api/v1/search" });
  await route.locator("summary").click();
  await route.getByRole("button", { name: "Try it" }).click();
  await expect(route.getByRole("status").last()).toContainText("200");
});
