/** What must not happen while a test runs: console errors, uncaught errors, breaches of the policy, requests to other hosts, dialogs. */
import { type Page, expect, test } from "@playwright/test";

/** Collects it for each test of the file; `forgive` takes out lines that a test has asked for. */
export function watchTrouble(): { forgive(pattern: RegExp): void } {
  let trouble: string[] = [];
  test.beforeEach(({ page, baseURL }) => {
    trouble = [];
    watch(page, new URL(baseURL as string).host, trouble);
  });
  test.afterEach(() => expect(trouble).toEqual([]));
  return {
    forgive(pattern) {
      trouble.splice(0, trouble.length, ...trouble.filter((line) => !pattern.test(line)));
    },
  };
}

function watch(page: Page, host: string, trouble: string[]): void {
  page.on("console", (message) => {
    if (message.type() === "error") trouble.push(message.text());
  });
  page.on("pageerror", (error) => trouble.push(error.message));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (/^(https?|wss?):$/.test(url.protocol) && url.host !== host) trouble.push(`request to ${url.host}`);
  });
  page.on("dialog", (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
}

export async function live(page: Page, address = "/"): Promise<void> {
  await page.goto(address);
  await expect(page.locator(".status")).toHaveAttribute("data-state", "live");
}

/** The parameters of the address as it is now. */
export function query(page: Page): URLSearchParams {
  return new URL(page.url()).searchParams;
}
