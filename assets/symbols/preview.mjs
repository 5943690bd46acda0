// Draws the atlas on a light and a dark ground, at one and two device pixels, into a PNG to look at.
// node symbols/preview.mjs [OUT.png] [from-cell] [to-cell] [scale]; needs Chromium.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [out = "symbols.png", mode = "sheet", scale = "2"] = process.argv.slice(2);
const here = (path) => new URL(path, import.meta.url);
const { symbols, columns, cell, rows } = JSON.parse(readFileSync(here("symbols.json"), "utf8"));
const atlas = here("symbols.svg").href;
const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

const at = (i, size) => `background:url(${atlas}) -${(i % columns) * size}px -${Math.floor(i / columns) * size}px/${columns * size}px ${rows * size}px`;
const tile = (i, size, label) => `<div class="t"><i style="width:${size}px;height:${size}px;${at(i, size)}"></i>${label ? `<b>${escape(symbols[i].table + symbols[i].code)}</b>` : ""}</div>`;
const all = symbols.map((_, i) => i);
const page = {
  sheet: () => ["light", "dark"].map((ground) => `<section class="${ground}">${all.map((i) => tile(i, 32, true)).join("")}</section>`).join(""),
  small: () => ["light", "dark"].map((ground) => `<section class="${ground}">${all.map((i) => tile(i, 24, false)).join("")}</section>`).join(""),
  overlay: () => ["light", "dark"].map((ground) => `<section class="${ground}">${all.filter((i) => symbols[i].overlay).map((i, n) =>
    `<div class="t o"><i style="width:32px;height:32px;${at(i, 32)}"></i><em>${"ABDEGHKMRSW0258"[n % 15]}</em><b>${escape(symbols[i].table + symbols[i].code)}</b></div>`).join("")}</section>`).join(""),
}[mode]();
const html = `<!doctype html><meta charset="utf-8"><style>body{margin:0;font:9px system-ui}section{display:flex;flex-wrap:wrap;gap:4px;padding:8px;width:784px}
.t{display:flex;flex-direction:column;align-items:center;width:${mode === "small" ? 26 : 45}px;position:relative}.light{background:#f1efe8;color:#333}.dark{background:#1b2229;color:#ccc}b{font-weight:400}
em{position:absolute;top:0;width:32px;line-height:32px;text-align:center;font:700 13px/32px system-ui;color:#fff;-webkit-text-stroke:3px #000a;paint-order:stroke}</style>${page}`;
const folder = mkdtempSync(join(tmpdir(), "symbols-"));
const file = join(folder, "sheet.html");
writeFileSync(file, html);
const height = { sheet: 1140, small: 560, overlay: 330 }[mode];
execFileSync(process.env.CHROMIUM ?? "chromium", ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--allow-file-access-from-files",
  `--user-data-dir=${folder}/profile`, "--hide-scrollbars", `--window-size=800,${height}`, `--force-device-scale-factor=${scale}`, `--screenshot=${out}`, pathToFileURL(file).href], { stdio: "ignore" });
