/** The pages beside the map without a browser: addresses, lists of packets, numbers of charts, texts. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { OF_A_NAME, PAGES, mapPath, pageAddress, pagePath } from "../../src/pages/address";
import type { PacketAnswer } from "../../src/pages/explanation";
import { valueOf } from "../../src/pages/fields";
import { MOST_LISTED, merge, packetsUrl } from "../../src/pages/list-of-packets";
import { dewPoint, shownIn } from "../../src/pages/quantities";
import { addressOf } from "../../src/pages/routes";
import { digitsOf, gapOf, marks, nearest, runs, timeMarks } from "../../src/pages/scale";
import { de } from "../../src/pages/texts.de";
import { en } from "../../src/pages/texts.en";
import { es } from "../../src/pages/texts.es";
import { fr } from "../../src/pages/texts.fr";
import { route } from "../../src/sw/routes";
import { setLanguage } from "../../src/ui/i18n";
import { PRESETS } from "../../src/ui/units";

describe("addresses", () => {
  test.each<[string, string | null, string | null]>([
    ["/packets", "packets", null], ["/packets/", "packets", null], ["/packets/N0CALL-9", "packets", "N0CALL-9"], ["/info/A%2FB", "info", "A/B"],
    ["/weather/%3Cb%3E", "weather", "<b>"], ["/api", "api", null], ["/about", "about", null], ["/status", "status", null], ["/badpackets", "badpackets", null],
    ["/info/%E0%A4%A", "info", null],
  ])("%s is a page", (path, page, name) => expect(pageAddress(path)).toEqual({ page, name }));

  test.each(["/", "/N0CALL-9", "/ABOUT", "/API", "/Packets", "/about/x", "/status/x", "/packets/a/b", "/api/v1", "/infos", "/x/packets"])(
    "%s is the map's", (path) => expect(pageAddress(path)).toBeNull());

  test("what is written is read again", () => {
    for (const page of OF_A_NAME) {
      for (const name of ["N0CALL-9", "a/b", "<b>EVE", "100%", "ü ?#", "packets"]) expect(pageAddress(pagePath(page, name))).toEqual({ page, name });
    }
    expect(pagePath("info", "X", "object")).toBe("/info/X?kind=object");
    expect(mapPath("a&b", "item")).toBe("/?call=a%26b&kind=item");
  });

  test("the service worker opens the shell for every page, and the server knows the same words", () => {
    for (const page of PAGES) expect([page, route(`/${page}`, true)]).toEqual([page, "page"]);
    for (const page of PAGES) expect([page, route(`/${page}/N0CALL-9`, true)]).toEqual([page, OF_A_NAME.includes(page) ? "page" : "past"]);
    expect(route("/api/v1", true)).toBe("past");
    const server = readFileSync(new URL("../../../crates/web/src/pages.rs", import.meta.url), "utf8");
    const words = /PAGES_OF_A_NAME[^=]*= \[([^\]]*)\]/.exec(server)?.[1]?.match(/\w+/g);
    expect(words?.sort()).toEqual([...OF_A_NAME].sort());
  });
});

describe("a list of packets", () => {
  const packet = (id: number): PacketAnswer => ({ id: String(id), received_at: "", kind: "position", raw: "", verdict: "accepted" });
  const ids = (list: readonly { id: string }[]) => list.map((one) => Number(one.id));

  test("new ones on top, each once, late ones in their place", () => {
    const there = merge([], [packet(30), packet(10)], true);
    expect(ids(there)).toEqual([30, 10]);
    expect(there.some((one) => one.gap)).toBe(false);
    expect(ids(merge(there, [packet(40), packet(30), packet(20)], false))).toEqual([40, 30, 20, 10]);
  });

  test("says where more came than it took", () => {
    const there = merge([], [packet(10)], false);
    const grown = merge(there, [packet(50), packet(40)], true);
    expect(grown.map((one) => one.gap === true)).toEqual([false, true, false]);
    // What reaches the known ones has missed nothing.
    expect(merge(there, [packet(50), packet(10)], true).some((one) => one.gap)).toBe(false);
  });

  test("is bounded", () => expect(merge([], Array.from({ length: MOST_LISTED + 50 }, (_, i) => packet(i + 1)), false)).toHaveLength(MOST_LISTED));

  test("asks with what is chosen only", () => {
    expect(packetsUrl({ name: null, filter: { kind: "", text: "" }, limit: 5 })).toBe("/api/v1/packets?limit=5");
    const url = new URL(packetsUrl({ name: "a&b", verdict: "bad", filter: { kind: "weather", text: "x y" }, limit: 5, since: 0, cursor: "7" }), "http://x");
    expect(Object.fromEntries(url.searchParams)).toEqual({ limit: "5", name: "a&b", verdict: "bad", kind: "weather", text: "x y", since: "1970-01-01T00:00:00.000Z", cursor: "7" });
  });
});

describe("charts", () => {
  test("marks are round and hold all values", () => {
    expect(marks(1.2, 9.7, 4)).toEqual([0, 2.5, 5, 7.5, 10]);
    expect(marks(1007.1, 1008.4, 4)).toEqual([1007, 1007.5, 1008, 1008.5]);
    expect(marks(0, 0, 4)[0]).toBeLessThanOrEqual(0);
    expect(marks(-12, 31, 4)).toEqual([-20, 0, 20, 40]);
    for (const [low, high] of [[5, 5], [1013.2, 1013.2], [1e9, 1e9], [0.001, 0.002], [-1e-9, 0]] as const) {
      const axis = marks(low, high, 4);
      expect(axis.length).toBeGreaterThan(1);
      expect(axis.length).toBeLessThan(12);
      expect((axis[0] as number) <= low && (axis.at(-1) as number) >= high).toBe(true);
    }
    expect([digitsOf([0, 2.5]), digitsOf([0, 1]), digitsOf([0, 0.01]), digitsOf([1007, 1007.5])]).toEqual([1, 0, 2, 1]);
  });

  test("moments are whole hours or days of the viewer", () => {
    const from = new Date(2026, 10, 27, 11, 13).getTime();
    const day = timeMarks(from, from + 86_400_000, 8);
    expect(day.at.length).toBeGreaterThan(3);
    expect(day.at.every((ms) => new Date(ms).getMinutes() === 0)).toBe(true);
    const month = timeMarks(from, from + 30 * 86_400_000, 8);
    expect(month.at.every((ms) => new Date(ms).getHours() === 0)).toBe(true);
    expect(month.at.length).toBeLessThanOrEqual(8);
  });

  test("lines break where nothing was sent", () => {
    const minutes = [0, 5, 10, 15, 60, 65].map((one) => one * 60_000);
    const gap = gapOf(minutes);
    expect(gap).toBe(20 * 60_000);
    expect(runs(minutes, [1, 2, null, 4, 5, 6], gap).map((run) => run.map(([, value]) => value))).toEqual([[1, 2, 4], [5, 6]]);
    expect(runs(minutes, minutes.map(() => null), gap)).toEqual([]);
    expect(gapOf([])).toBe(10 * 60_000);
  });

  test("the nearest moment", () => {
    expect([nearest([], 5), nearest([1], 5), nearest([1, 4, 9], 5), nearest([1, 4, 9], 7), nearest([1, 4, 9], 99)]).toEqual([-1, 0, 1, 2, 2]);
  });

  test("units of choice, and the dew point of tables", () => {
    expect(shownIn("temperature", PRESETS.imperial).into(100)).toBe(212);
    expect(shownIn("pressure", PRESETS.imperial)).toMatchObject({ unit: "inHg" });
    expect(shownIn("wind", { ...PRESETS.metric, wind: "bft" }).into(8)).toBeCloseTo(4.5, 1);
    // Of psychrometric tables, to the tenth.
    expect(dewPoint(20, 50)).toBeCloseTo(9.3, 1);
    expect(dewPoint(30, 80)).toBeCloseTo(26.2, 1);
    expect(dewPoint(-10, 100)).toBeCloseTo(-10, 5);
    expect(dewPoint(20, 0)).toBeNull();
  });
});

test("a form asks what was filled in", () => {
  const one = {
    path: "/api/v1/stations/{name}/track", about: "",
    parameters: [{ name: "name", in: "path", about: "", example: "" }, { name: "limit", in: "query", about: "", example: "" }],
  } as Parameters<typeof addressOf>[0];
  expect(addressOf(one, {})).toBeNull();
  expect(addressOf(one, { name: " a/b? " })).toBe("/api/v1/stations/a%2Fb%3F/track");
  expect(addressOf(one, { name: "X", limit: "5&x=1" })).toBe("/api/v1/stations/X/track?limit=5%26x%3D1");
});

const FIELDS = { de: () => import("../../src/pages/fields.de"), es: () => import("../../src/pages/fields.es"), fr: () => import("../../src/pages/fields.fr") };
const ABOUT = { de: () => import("../../src/pages/about-routes.de"), es: () => import("../../src/pages/about-routes.es"), fr: () => import("../../src/pages/about-routes.fr") };

test("values are said in the viewer's language, with their numbers; what is none of our words stays", async () => {
  await setLanguage("de");
  await vi.waitFor(() => expect(valueOf("live")).toBe("besteht"));
  expect(valueOf("47.38083 degrees")).toBe("47.38083 Grad");
  expect(valueOf("-1.5 degrees, 36 km/h")).toBe("-1.5 Grad, 36 km/h");
  expect(valueOf("day 23, 10:15 where the sender is")).toBe("Tag 23, 10:15 am Ort des Absenders");
  expect(valueOf("alternate with overlay I")).toBe("Zweittabelle mit Zeichen I");
  expect(valueOf("datum W, 1.85 m steps")).toBe("Kartendatum W, Schritte von 1.85 m");
  expect(valueOf("report 7: 1, 2, , 4")).toBe("Meldung 7: 1, 2, , 4");
  expect(valueOf("by internet, from a verified client")).toBe("über das Internet, von einem geprüften Client");
  expect(valueOf("constructor")).toBe("constructor");
  expect(valueOf("Yaesu FTM-400DR")).toBe("Yaesu FTM-400DR");
  await setLanguage("en");
  await vi.waitFor(() => expect(valueOf("47.38083 degrees")).toBe("47.38083 degrees"));
});

describe("what the server says in English is said in every language", () => {
  const rust = (path: string) => readFileSync(new URL(`../../../crates/${path}`, import.meta.url), "utf8");
  const pairs = (source: string, pattern: RegExp) => new Map([...source.matchAll(pattern)].map(([, key, text]) => [key as string, text as string]));
  const fields = pairs(rust("packet/src/span.rs"), /^ {4}\w+ "(\w+)" "([^"]+)",$/gm);
  const remarks = pairs(rust("packet/src/diagnostic.rs"), /^ {4}\w+ "(\w+)" "([^"]+)",$/gm);
  fields.set("mic_e_destination", rust("packet/src/explain.rs").match(/MIC_E_DESTINATION: &str = "(Latitude [^"]+)"/)?.[1] as string);
  remarks.set("too_fast", rust("pipeline/src/pipeline.rs").match(/TOO_FAST \{\s+return Some\("([^"]+)"\)/)?.[1] as string);
  const routes = rust("web/src/api/routes.rs");

  /** The sentences of values, without numbers and units. */
  const VALUES = [...new Set([
    "# degrees", "B# on", "custom #", "tropical depression", "tropical storm", "hurricane", "none",
    ...[...(rust("packet/src/explain.rs").split("#[cfg(test)]", 1)[0]?.split("/// The value of a field in words.")[1] ?? "").matchAll(/"([^"]*)"/g)]
      .flatMap(([, text = ""]) => text.replace(/\{[^}]*\}|\d[\d.]*/g, "#").replace(/#:#(:#)?/g, "#").split(", "))
      .filter((text) => /[a-z]{3}/.test(text) && !/^(qA|degrees$|#-#-|MHz|kHz|hPa|# dBi|nSv)/.test(text)),
  ])].sort();

  test.each(["de", "es", "fr"] as const)("%s", async (language) => {
    const [words, { about }] = await Promise.all([FIELDS[language](), ABOUT[language]()]);
    expect([fields.size > 70, remarks.size > 70]).toEqual([true, true]);
    expect(Object.keys(words.values).sort()).toEqual(VALUES);
    for (const [english, own] of [[fields, words.fields], [remarks, words.remarks]] as const) {
      expect(Object.keys(own).sort()).toEqual([...english.keys()].sort());
      expect(Object.entries(own).filter(([key, text]) => text === english.get(key))).toEqual([]);
    }
    const asked = new Set<string>();
    for (const [, path = "", list = ""] of routes.matchAll(/path: "([^"]+)",\s+about: "[^"]+",\s+parameters: &\[([^\]]*)\]/g)) {
      asked.add(path);
      expect(about, path).toHaveProperty([path]);
      for (const [, name = "", constant = ""] of list.matchAll(/parameter\("(\w+)"|\b(NAME|KIND|SINCE|UNTIL)\b/g)) {
        const key = name === "" ? constant.toLowerCase() : name;
        // What a parameter of this route alone means is not what the shared ones of that name mean.
        const own = `${path}?${key}`;
        const shared = constant === "" && ["name", "kind", "since", "until", "limit"].includes(key) && !list.includes("1 to 10,000; 1000 without it.");
        asked.add(shared ? own : key);
        expect(about, own).toHaveProperty([shared ? own : key]);
      }
    }
    expect(Object.keys(about).sort()).toEqual([...asked].sort());
    expect(Object.values(about).filter((text) => routes.includes(`"${text}"`))).toEqual([]);
  });
});

describe("texts", () => {
  const SRC = new URL("../../src/pages/", import.meta.url).pathname;
  const keys = Object.keys(en) as (keyof typeof en)[];
  const sources = readdirSync(SRC).filter((name) => !/^texts\.[a-z]{2}\.ts$/.test(name)).map((name) => readFileSync(join(SRC, name), "utf8"));
  const all = sources.join("\n");
  const groups = [...all.matchAll(/\bword\("(\w+)"/g)].map(([, group]) => `${group}.`);
  const templates = [...all.matchAll(/`([a-z_.]+\.)\$\{/g)].map(([, before]) => before as string);
  const used = (key: string) => all.includes(`"${key}"`) || all.includes(`"${key.replace(/\.(one|other)$/, "")}"`)
    || [...groups, ...templates].some((one) => key.startsWith(one));
  const parameters = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  /** Words that are the same in English and another language. */
  const SAME = /^(API|NMEA|Mic-E|Bytes|Locator|Station|Position|Radio|Spool|Version|Pages|igate|digipeater|sender|Status|Test|Server|Filter|Bulletin|Message|Pause|Licence|Copies|Archive|Partitions|\d+ h)$/;

  test("nothing is unused", () => expect(keys.filter((key) => !used(key))).toEqual([]));

  test.each([["de", de], ["es", es], ["fr", fr]] as const)("%s has every text, its parameters, and nothing left in English", (_, table) => {
    expect(Object.keys(table).sort()).toEqual([...keys].sort());
    for (const key of keys) expect([key, parameters(table[key])]).toEqual([key, parameters(en[key])]);
    expect(keys.filter((key) => table[key] === en[key] && !SAME.test(en[key])).map((key) => `${key} ${en[key]}`)).toEqual([]);
  });
});
