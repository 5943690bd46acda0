/** axe finds nothing to complain about in any state of the page, by day and by night. */
import { createRequire } from "node:module";
import { type Page, expect, test } from "@playwright/test";

test.skip(process.env["GODWIT_URL"] !== undefined, "walks through the mock server's stations");
// The policy forbids the script that the test brings along.
test.use({ bypassCSP: true });

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

async function violations(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: AXE });
  return page.evaluate(async () => {
    interface Result { violations: { id: string; nodes: { html: string }[] }[] }
    const { axe } = window as unknown as { axe: { run(): Promise<Result> } };
    return (await axe.run()).violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`no violations, ${colorScheme}`, async ({ page }) => {
    test.slow();
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.goto("/?lat=48.1&lng=11.5&z=10");
    await expect(page.locator(".status")).toHaveAttribute("data-state", "live");
    expect(await violations(page)).toEqual([]);

    await page.getByRole("combobox", { name: "Find" }).fill("N0");
    await expect(page.getByRole("option").first()).toBeVisible();
    expect(await violations(page)).toEqual([]);

    await page.getByRole("combobox", { name: "Find" }).fill("N0CALL-13");
    await page.getByRole("combobox", { name: "Find" }).press("Enter");
    await expect(page.locator(".raw code")).toBeVisible();
    expect(await violations(page)).toEqual([]);

    // Each thing that lies beside the map or over it.
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Map and display" }).click();
    await expect(page.getByRole("checkbox").first()).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    const states: [string, string][] = [
      ["/N0CALL-9?follow=1", ".following"], ["/?lat=48.1&lng=11.5&z=9&panel=list", ".virtual .line"], ["/?panel=list&lat=48&lng=11&z=3", ".side"],
      ["/?lat=48.1&lng=11.5&z=9&panel=filter&moving=1", ".chip"], ["/?from=48.1,11.5&panel=near", ".rows .line"],
      ["/?calls=N0CALL-9,N0CALL-13", ".rows .line"], ["/NOSUCH-1", ".note"],
      ["/?lat=48.1&lng=11.5&z=9&panel=ruler&ruler=48.1,11.5;48.2,11.6;48,11.4", ".straight"], ["/?lat=48.1&lng=11.5&z=9&panel=files", ".files .action"],
    ];
    for (const [address, there] of states) {
      await page.goto(address);
      await expect(page.locator(there).first()).toBeVisible();
      expect([address, await violations(page)]).toEqual([address, []]);
    }
    // A point of a trail: the jump of the mock, which lies three degrees from where it began.
    await page.goto("/?lat=51.1372&lng=14.5756&z=9&call=N0CALL-9&trail=6");
    const screen = page.viewportSize() as { width: number; height: number };
    await page.getByRole("checkbox", { name: /cannot be right/ }).check();
    // On a phone the sheet covers it.
    if (screen.width > 800) {
      await expect(async () => {
        await page.mouse.click(screen.width / 2 + 3, screen.height / 2);
        await expect(page.locator(".point")).toBeVisible({ timeout: 1000 });
      }).toPass();
      expect(await violations(page)).toEqual([]);
    }
    for (const key of ["s", "?"]) {
      await page.keyboard.press(key);
      await expect(page.getByRole("dialog")).toBeVisible();
      expect([key, await violations(page)]).toEqual([key, []]);
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog")).toHaveCount(0);
    }
    await page.goto("/?lat=48.05&lng=11.4&z=9");
    await expect(page.locator(".status")).toHaveAttribute("data-state", "live");
    const { width, height } = page.viewportSize() as { width: number; height: number };
    await page.mouse.click(width / 2, height / 2, { button: "right" });
    await expect(page.getByRole("menu")).toBeVisible();
    expect(["point", await violations(page)]).toEqual(["point", []]);
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`no violations on the pages beside the map, ${colorScheme}`, async ({ page }) => {
    test.slow();
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const states: [string, string, string?][] = [
      ["/packets", ".packet", ".opener"], ["/packets/N0CALL-9", ".packet"], ["/badpackets", ".packet", ".opener"], ["/info/N0CALL-13", ".brief li"],
      ["/info", ".ask"], ["/weather/N0CALL-13", ".plot svg", ".as-table summary"], ["/weather/N0CALL-9", ".note"], ["/status", ".histogram"],
      ["/api", ".route", "summary"], ["/about", "main table"], ["/info/NOSUCH-1", ".note"],
    ];
    for (const [address, there, open] of states) {
      await page.goto(address);
      await expect(page.locator(there).first()).toBeVisible();
      if (open !== undefined) {
        await page.locator(open).first().click();
        if (open === ".opener") await expect(page.locator(".explanation tbody")).toBeVisible();
      }
      expect([address, await violations(page)]).toEqual([address, []]);
    }
    await page.getByRole("button", { name: "Settings" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    expect(await violations(page)).toEqual([]);
  });
}
