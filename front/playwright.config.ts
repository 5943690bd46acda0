import { existsSync } from "node:fs";
import { defineConfig, devices } from "@playwright/test";

/** GODWIT_URL tests a running server; without it the mock server is started. */
const url = process.env["GODWIT_URL"];
const PORT = Number(process.env["GODWIT_MOCK_PORT"] ?? 8791);
const chromium = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

export default defineConfig({
  testDir: "tests/browser",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  // Once more on a machine that stood still for a moment; such a test is reported as flaky. A trace of every step
  // costs a sixth of the time, so only the second try has one.
  retries: 1,
  workers: 1,
  forbidOnly: process.env["CI"] !== undefined,
  reporter: [["list"], ["./tests/pictures.ts"]],
  use: {
    baseURL: url ?? `http://127.0.0.1:${PORT}`,
    launchOptions: existsSync(chromium) ? { executablePath: chromium } : {},
    screenshot: "only-on-failure",
    trace: "on-first-retry",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
  },
  projects: [
    { name: "desktop", use: { viewport: { width: 1440, height: 900 } } },
    // The real one has 2.625 pixels to a point; here software draws them all.
    { name: "phone", use: { ...devices["Pixel 7"], viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 } },
  ],
  ...(url === undefined && {
    webServer: {
      command: "node tests/mock-server.mjs",
      env: { PORT: String(PORT) },
      url: `http://127.0.0.1:${PORT}/live/v1/page.json`,
      reuseExistingServer: false,
    },
  }),
});
