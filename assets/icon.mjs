// Draws icon.svg as the PNG files of the web manifest; needs Chromium. The maskable one has its drawing in the circle that
// every shape of mask leaves (80 % of the width), on ground to the edge; so has the one for Apple's rounded squares, larger.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const GROUND = "#12505b";
const ICONS = [
  { name: "icon-192", size: 192, part: 1 },
  { name: "icon-512", size: 512, part: 1 },
  { name: "icon-maskable-512", size: 512, part: 0.68, ground: GROUND },
  { name: "icon-apple-180", size: 180, part: 0.9, ground: GROUND },
];

for (const { name, size, part, ground = "transparent" } of ICONS) {
  const folder = mkdtempSync(join(tmpdir(), "icon-"));
  const page = join(folder, "icon.html");
  const side = Math.round(size * part);
  writeFileSync(page, `<!doctype html><style>*{margin:0}body{display:grid;place-items:center;width:${size}px;height:${size}px;background:${ground}}</style>`
    + `<img src="${new URL("icon.svg", import.meta.url).href}" width="${side}" height="${side}">`);
  execFileSync(process.env.CHROMIUM ?? "chromium", ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars",
    "--default-background-color=00000000", "--allow-file-access-from-files", `--user-data-dir=${folder}/profile`, `--window-size=${size},${size}`,
    `--screenshot=${fileURLToPath(new URL(`${name}.png`, import.meta.url))}`, `file://${page}`], { stdio: "ignore" });
  rmSync(folder, { recursive: true, force: true });
}
