/** Keeps the pictures that tests attach, by project and name, in `test-results/pictures`: to be looked at, and kept by whoever runs the tests. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Reporter, TestCase, TestResult } from "@playwright/test/reporter";

const FOLDER = new URL("../test-results/pictures", import.meta.url).pathname;

export default class Pictures implements Reporter {
  onTestEnd(test: TestCase, result: TestResult): void {
    const project = test.parent.project()?.name ?? "";
    for (const { name, contentType, body } of result.attachments) {
      if (contentType !== "image/png" || body === undefined) continue;
      const path = join(FOLDER, project, `${name.replaceAll(/[^\w-]+/g, "-")}.png`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, body);
    }
  }
}
