/** Fails when the first view of the map, or a part loaded later, weighs more than promised. Sizes are those of the .br files of the build. */
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const DIST = new URL("../dist/", import.meta.url).pathname;
if (!existsSync(join(DIST, "index.html"))) {
  console.error("front/dist is not built: run `npm run build` before `npm test`");
  process.exit(1);
}

/** Scripts and styles that the page loads by itself: those of index.html and all that they import without asking. */
function firstView() {
  const seen = new Set();
  const visit = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    if (!name.endsWith(".js")) return;
    const source = readFileSync(join(DIST, "assets", name), "utf8");
    for (const [, found] of source.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) visit(found);
  };
  const html = readFileSync(join(DIST, "index.html"), "utf8");
  for (const [, found] of html.matchAll(/(?:src|href)="\/assets\/([\w.-]+\.(?:js|css))"/g)) visit(found);
  return [...seen];
}

const size = (names) => names.reduce((sum, name) => {
  const path = join(DIST, "assets", name);
  return sum + statSync(existsSync(`${path}.br`) ? `${path}.br` : path).size;
}, 0);

const loaded = firstView();
const all = readdirSync(join(DIST, "assets"));
const rows = [
  ["JavaScript", loaded.filter((name) => name.endsWith(".js")), 75_000],
  ["CSS", loaded.filter((name) => name.endsWith(".css")), 8_000],
  ["symbols", all.filter((name) => /^symbols.*\.(svg|json)$/.test(name)), 25_000],
];
/** Parts loaded when they are wanted; charts have a budget of their own. */
const later = all.filter((name) => name.endsWith(".js") && !loaded.includes(name));
for (const name of later) rows.push([name.replace(/-[\w-]{8}\.js$/, ""), [name], /chart/i.test(name) ? 30_000 : 10_000]);
let over = false;
for (const [what, names, budget] of rows) {
  const bytes = size(names);
  if (names.length === 0 || bytes > budget) over = true;
  const verdict = names.length === 0 ? "MISSING" : bytes > budget ? "OVER" : "ok";
  console.log(`${what.padEnd(12)} ${String(bytes).padStart(6)} of ${budget} bytes brotli  ${verdict}`);
}
process.exit(over ? 1 : 0);
