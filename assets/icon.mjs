// Draws icon.svg as icon-192.png and icon-512.png for the web manifest; needs Chromium.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

for (const size of [192, 512]) {
  const folder = mkdtempSync(join(tmpdir(), "icon-"));
  const page = join(folder, "icon.html");
  writeFileSync(page, `<!doctype html><style>*{margin:0}img{display:block}</style><img src="${new URL("icon.svg", import.meta.url).href}" width="${size}" height="${size}">`);
  execFileSync(process.env.CHROMIUM ?? "chromium", ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars",
    "--default-background-color=00000000", "--allow-file-access-from-files", `--user-data-dir=${folder}/profile`, `--window-size=${size},${size}`,
    `--screenshot=${fileURLToPath(new URL(`icon-${size}.png`, import.meta.url))}`, `file://${page}`], { stdio: "ignore" });
  rmSync(folder, { recursive: true, force: true });
}
