/** Tools on the map: the ruler, and the viewer's own files. */
import { type Page, expect, test } from "@playwright/test";
import { PNG } from "./png";
import { live, query, watchTrouble } from "./trouble";

test.skip(process.env["GODWIT_URL"] !== undefined, "needs the mock server's stations");
const trouble = watchTrouble();
test.setTimeout(120_000);

const BLUE = [0x00, 0x67, 0xa5] as const;

async function pixels(page: Page, [red, green, blue]: readonly [number, number, number]): Promise<number> {
  const { data } = PNG(await page.locator("#map").screenshot());
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (Math.abs((data[i] as number) - red) < 8 && Math.abs((data[i + 1] as number) - green) < 8 && Math.abs((data[i + 2] as number) - blue) < 8) count++;
  }
  return count;
}

test.describe("ruler", () => {
  test("from the map's menu: points by pressing, legs with distance and bearing, Back ends it", async ({ page }, info) => {
    await page.addInitScript(() => localStorage.setItem("godwit.units", "metric"));
    await live(page, "/?lat=45&lng=2&z=9");
    await page.getByRole("button", { name: "Map and display" }).click();
    await page.getByRole("button", { name: "Ruler: distance and bearing" }).click();
    const panel = page.getByRole("complementary", { name: "Ruler" });
    await expect(panel.getByRole("status").first()).toHaveText("Press the map where to begin.");
    const { width } = page.viewportSize() as { width: number };
    await page.mouse.click(width * 0.6, 220);
    await expect(panel.locator(".rulerpoint")).toHaveCount(1);
    await page.mouse.click(width * 0.6, 320);
    // A hundred pixels southwards at zoom 9 and 45 degrees: 100 x 156.5 km / 512 x cos 45.
    await expect(panel.locator(".legs li").first()).toContainText("180° S");
    await expect(panel.getByRole("status").first()).toHaveText(/^2[12] km in all$/);
    await page.mouse.click(width * 0.6 + 100, 320);
    await expect(panel.locator(".legs li").nth(1)).toContainText("90° E");
    await expect(panel.locator(".straight")).toContainText(/3[01] km, 13[45]° SE/);
    await expect(panel.locator(".rulerpoint").first()).toContainText(/JN\d\d\w\w/);
    await expect.poll(() => query(page).get("ruler")?.split(";").length).toBe(3);
    // The next leg goes with the pointer.
    await page.mouse.move(width * 0.6 + 60, 250);
    await info.attach("ruler", { body: await page.screenshot(), contentType: "image/png" });
    await panel.getByRole("button", { name: "Take the last back" }).click();
    await expect(panel.locator(".legs li")).toHaveCount(1);
    await page.goBack();
    await expect(panel).toHaveCount(0);
    await expect.poll(() => query(page).get("ruler")).toBeNull();
  });

  test("by the keyboard alone, with a link that shows the same, and Escape ends", async ({ page }) => {
    await live(page, "/?lat=45&lng=2&z=9");
    await page.keyboard.press("m");
    const panel = page.getByRole("complementary", { name: "Ruler" });
    await expect(panel).toBeVisible();
    await page.locator("#map").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowRight");
    await page.waitForTimeout(600);
    await page.keyboard.press("Enter");
    await expect(panel.locator(".legs li")).toHaveCount(1);
    await page.keyboard.press("Enter");
    await expect(panel.locator(".legs li")).toHaveCount(2);
    await page.keyboard.press("Backspace");
    await expect(panel.locator(".legs li")).toHaveCount(1);
    const said = await panel.locator(".legs li").first().textContent();
    await expect.poll(() => query(page).get("ruler")?.split(";").length).toBe(2);
    await live(page, page.url());
    await expect(panel.locator(".legs li").first()).toHaveText(said as string);
    await page.keyboard.press("Escape");
    await expect(panel).toHaveCount(0);
    await expect(page).not.toHaveURL(/ruler/);
    // What is pressed now is a station again.
    await live(page, "/?lat=48.3&lng=11.3&z=13");
  });

  test("units of choice; a press near a symbol takes the station; from the menu of a point", async ({ page }) => {
    await page.addInitScript(() => localStorage.setItem("godwit.units", "nautical"));
    // DB0XYZ-2 in the upper half, which a phone's sheet leaves free.
    const { width, height } = page.viewportSize() as { width: number; height: number };
    const north = (0.25 * height * 360 * Math.cos((48.35 * Math.PI) / 180)) / (256 * 2 ** 11);
    await live(page, `/?lat=${48.35 - north}&lng=11.85&z=11`);
    await page.mouse.click(width / 2 - 60, 330, { button: "right" });
    await page.getByRole("menuitem", { name: "Measure a way from here" }).click();
    const panel = page.getByRole("complementary", { name: "Ruler" });
    await expect(panel.locator(".rulerpoint")).toHaveCount(1);
    await page.mouse.click(width / 2 + 5, height / 4 - 4);
    await expect(panel.locator(".legs .rulerpoint")).toContainText(/^2 48\.35\d{3}° N, 11\.85\d{3}° E/);
    await expect(panel.locator(".legs li")).toContainText(/nmi/);
  });
});

const GPX = `<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY x "boom">]><gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1">
<wpt lat="48.15" lon="11.6"><name>Hut &lt;img src=x onerror=alert(1)&gt;</name></wpt>
<trk><name>Ride</name><trkseg><trkpt lat="48.0" lon="11.4"/><trkpt lat="48.3" lon="11.5"/><trkpt lat="48.2" lon="11.9"/></trkseg></trk></gpx>`;
const KML = `<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>Field</name><description><![CDATA[<script>alert(2)</script>]]></description>
<Polygon><outerBoundaryIs><LinearRing><coordinates>11.3,48.0 11.7,48.0 11.7,48.3 11.3,48.0</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>`;
const GEOJSON = JSON.stringify({ type: "LineString", coordinates: [[11.2, 48.1], [11.9, 48.25]] });

/** Drops files on the map as a file manager does. */
async function drop(page: Page, files: { name: string; text: string }[]): Promise<void> {
  const data = await page.evaluateHandle((list) => {
    const transfer = new DataTransfer();
    for (const { name, text } of list) transfer.items.add(new File([text], name));
    return transfer;
  }, files);
  await page.dispatchEvent("#map", "dragover", { dataTransfer: data });
  await expect(page.locator("body.dropping")).toHaveCount(1);
  await page.dispatchEvent("#map", "drop", { dataTransfer: data });
  await expect(page.locator("body.dropping")).toHaveCount(0);
}

test.describe("own files", () => {
  test("GPX, KML and GeoJSON dropped on the map are drawn, hidden and removed; nothing is sent", async ({ page }, info) => {
    await live(page, "/?lat=48.14&lng=11.58&z=9");
    const sent: string[] = [];
    page.on("request", (request) => request.method() !== "GET" && sent.push(request.url()));
    const before = await pixels(page, BLUE);
    await drop(page, [{ name: "ride.gpx", text: GPX }, { name: "field.kml", text: KML }, { name: "line.geojson", text: GEOJSON }]);
    const panel = page.getByRole("complementary", { name: "Own files" });
    await expect(panel.getByRole("checkbox")).toHaveCount(3);
    await expect(panel.getByText("2 lines and points")).toBeVisible();
    await expect.poll(() => pixels(page, BLUE)).toBeGreaterThan(before + 150);
    await page.waitForTimeout(1200);
    await info.attach("own-files", { body: await page.screenshot(), contentType: "image/png" });
    const drawn = await pixels(page, BLUE);
    await panel.getByRole("checkbox", { name: "Show ride.gpx" }).uncheck();
    await expect.poll(() => pixels(page, BLUE)).toBeLessThan(drawn - 100);
    const hidden = await pixels(page, BLUE);
    await panel.getByRole("checkbox", { name: "Show ride.gpx" }).check();
    // Not all of it: symbols on the move may cover some, and some are as blue.
    await expect.poll(() => pixels(page, BLUE)).toBeGreaterThan((drawn + hidden) / 2);
    for (const name of ["ride.gpx", "field.kml", "line.geojson"]) await panel.getByRole("button", { name: `Remove ${name}` }).click();
    await expect(panel.getByRole("checkbox")).toHaveCount(0);
    await expect.poll(() => pixels(page, BLUE)).toBeLessThan(drawn - 100);
    expect(sent).toEqual([]);
    expect(await page.evaluate(() => document.querySelectorAll("img[src=x], script:not([src])").length)).toBe(0);
  });

  test("through the dialog, from the menu; what cannot be read is told of", async ({ page }, info) => {
    await live(page, "/?lat=48.14&lng=11.58&z=9");
    await page.getByRole("button", { name: "Map and display" }).click();
    await page.getByRole("button", { name: "Own files: GPX, KML, GeoJSON" }).click();
    const panel = page.getByRole("complementary", { name: "Own files" });
    const choose = async (...files: { name: string; text: string }[]) => {
      const coming = page.waitForEvent("filechooser");
      await panel.getByRole("button", { name: "Choose files" }).click();
      await (await coming).setFiles(files.map(({ name, text }) => ({ name, mimeType: "", buffer: Buffer.from(text) })));
    };
    const before = await pixels(page, BLUE);
    await choose({ name: "good.gpx", text: GPX });
    await expect(panel.getByRole("checkbox", { name: "Show good.gpx" })).toBeChecked();
    const bomb = `<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "${"x".repeat(1000)}">${Array.from({ length: 8 }, (_, i) => `<!ENTITY ${"bcdefghi"[i]} "${`&${"abcdefgh"[i]};`.repeat(10)}">`).join("")}]><gpx><wpt lat="1" lon="1"><name>&i;</name></wpt></gpx>`;
    await choose(
      { name: "<img src=x>.gpx", text: "<gpx><trk>" }, { name: "photo.jpg", text: "JFIF" }, { name: "page.kml", text: "<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>" },
      { name: "nothing.json", text: "{}" }, { name: "bomb.gpx", text: bomb }, { name: "huge.gpx", text: " ".repeat(21 * 1024 * 1024) },
    );
    await expect(panel.getByRole("alert")).toHaveText([
      /^<img src=x>\.gpx is damaged/, /^photo\.jpg is neither/, /^page\.kml is neither/, /^nothing\.json holds no line/, /^bomb\.gpx is damaged/, /^huge\.gpx is larger than 20 MB/,
    ]);
    await info.attach("own-files-trouble", { body: await page.screenshot(), contentType: "image/png" });
    await page.keyboard.press("Escape");
    // What Chromium says of a damaged file has a style of its own, which the policy forbids.
    trouble.forgive(/inline style/);
    await expect(panel).toHaveCount(0);
    // The layer stays when its panel goes.
    await expect.poll(() => pixels(page, BLUE)).toBeGreaterThan(before + 150);
  });
});
