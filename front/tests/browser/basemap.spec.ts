/** Base maps of the operator's: vector tiles out of an archive, drawn in our colours by day and by night, and images. */
import { type Page, expect, test } from "@playwright/test";
import { vectorTile } from "../mvt";
import { PNG } from "./png";
import { live, watchTrouble } from "./trouble";

test.skip(process.env["GODWIT_URL"] !== undefined, "answers in place of the server");
watchTrouble();
test.setTimeout(90_000);

const square = (from: number, to: number, x = 0, y = 0): [number, number][] => [[from + x, from + y], [to + x, from + y], [to + x, to + y], [from + x, to + y]];
/** The same in every sixteenth of the tile, so that a small view has one. */
const everywhere = (from: number, to: number) => Array.from({ length: 16 }, (_, i) => square(from, to, (i % 4) * 1024, Math.floor(i / 4) * 1024));
const PROTOMAPS = vectorTile({
  earth: [{ type: 3, properties: { kind: "earth" }, rings: [square(0, 4096)] }],
  landuse: [{ type: 3, properties: { kind: "park" }, rings: everywhere(550, 950) }],
  water: [{ type: 3, properties: { kind: "lake" }, rings: everywhere(50, 450) }],
  roads: [{ type: 2, properties: { kind: "highway" }, rings: [500, 1524, 2548, 3572].map((y) => [[0, y], [4096, y + 20]]) }, { type: 2, properties: { kind: "minor_road" }, rings: [[[2048, 0], [2300, 4096]]] }],
  buildings: [{ type: 3, properties: { kind: "building" }, rings: [square(1800, 1950)] }],
  places: [{ type: 1, properties: { kind: "locality", name: "Testing", population_rank: 11 }, rings: [[[3300, 900]]] }],
});
/** One grey pixel. */
const IMAGE = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==", "base64");

async function offer(page: Page, kind: "vector" | "raster"): Promise<string[]> {
  const asked: string[] = [];
  await page.route("**/live/v1/page.json", (route) => route.fulfill({ json: {
    version: "x", view: { latitude: 48.14, longitude: 11.58, zoom: 12 }, demo: true, feed: "simulator",
    basemaps: [{ id: "file", name: "Own map", kind, url: "/basemap/file/{z}/{x}/{y}", attribution: "Maps <b>& Co</b>", max_zoom: 10 }],
  } }));
  await page.route("**/basemap/file/**", (route) => {
    asked.push(new URL(route.request().url()).pathname);
    return route.fulfill({ body: kind === "vector" ? PROTOMAPS : IMAGE, contentType: kind === "vector" ? "application/vnd.mapbox-vector-tile" : "image/png" });
  });
  return asked;
}

/** How many of the ground's pixels have a colour. */
async function pixels(page: Page, hex: string): Promise<number> {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const { data } = PNG(await page.locator("#map").screenshot());
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] === red && data[i + 1] === green && data[i + 2] === blue) count++;
  return count;
}

async function choose(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Map and display" }).click();
  await page.getByRole("radio", { name }).check({ force: true });
  await page.keyboard.press("Escape");
}

test("vector tiles: drawn by day and by night, stretched beyond their last zoom, with credit, and remembered", async ({ page }, info) => {
  const asked = await offer(page, "vector");
  await live(page, "/?lat=48.14&lng=11.58&z=13");
  await choose(page, "Own map");
  for (const colour of ["#f4f2ec", "#cfdde3", "#e3ead7", "#f7dfb0"]) await expect.poll(() => pixels(page, colour)).toBeGreaterThan(300);
  expect(asked.every((path) => /^\/basemap\/file\/10\/\d+\/\d+$/.test(path))).toBe(true);
  await expect(page.locator(".leaflet-control-attribution")).toContainText("Maps <b>& Co</b>");
  await info.attach("basemap-vector", { body: await page.screenshot(), contentType: "image/png" });
  await page.emulateMedia({ colorScheme: "dark" });
  for (const colour of ["#1b252d", "#0f171d", "#1c2a28", "#4b4636"]) await expect.poll(() => pixels(page, colour)).toBeGreaterThan(300);
  await info.attach("basemap-vector-dark", { body: await page.screenshot(), contentType: "image/png" });
  await page.reload();
  await expect.poll(() => pixels(page, "#1c2a28")).toBeGreaterThan(300);
  await choose(page, "Built in");
  await expect.poll(() => pixels(page, "#1c2a28")).toBe(0);
  await expect(page.locator(".leaflet-control-attribution")).not.toContainText("Maps");
});

test("images", async ({ page }) => {
  const asked = await offer(page, "raster");
  await live(page, "/?lat=48.14&lng=11.58&z=9");
  await choose(page, "Own map");
  await expect.poll(() => pixels(page, "#808080")).toBeGreaterThan(100_000);
  expect(asked.every((path) => /^\/basemap\/file\/9\/\d+\/\d+$/.test(path))).toBe(true);
});
