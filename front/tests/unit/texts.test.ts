/** The tables of texts are whole: nothing is missing, nothing is left over, nothing was forgotten in English. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { age, bearing, latLng } from "../../src/ui/format";
import { type Language, language, languageOf, number, plural, setLanguage, t } from "../../src/ui/i18n";
import { symbolAndKind, symbolName } from "../../src/ui/symbolnames";
import { symbols as deNames } from "../../src/ui/symbolnames.de";
import { symbols as enNames } from "../../src/ui/symbolnames.en";
import { symbols as esNames } from "../../src/ui/symbolnames.es";
import { symbols as frNames } from "../../src/ui/symbolnames.fr";
import { de } from "../../src/ui/texts.de";
import { en as first } from "../../src/ui/texts.en";
import { tools } from "../../src/ui/texts.en.tools";
import { panels } from "../../src/ui/texts.en.panels";
import { es } from "../../src/ui/texts.es";
import { fr } from "../../src/ui/texts.fr";

const SRC = new URL("../../src/", import.meta.url).pathname;
const en = { ...first, ...panels, ...tools };
const keys = Object.keys(en);
const sources = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !/(texts|symbolnames|fields|about-routes)\.[\w.]+\.ts$/.test(name))
  .map((name) => readFileSync(join(SRC, name), "utf8"));

/** Every string of the sources, and every template as a pattern with its holes. */
const literals = new Set(sources.flatMap((source) => [...source.matchAll(/"([a-z_0-9.]+)"/g)].map(([, text]) => text as string)));
const templates = sources.flatMap((source) => [...source.matchAll(/`([a-z_0-9.]*\.)\$\{[^`]*?\}([a-z_0-9.]*)`/g)])
  .map(([, before = "", after = ""]) => new RegExp(`^${before.replaceAll(".", "\\.")}[A-Za-z_0-9]+${after.replaceAll(".", "\\.")}$`));

/** Words of the server. */
const groups = sources.flatMap((source) => [...source.matchAll(/\bworded\("([a-z.]+)"/g)]).map(([, group]) => `${group}.`);

const used = (key: string) => groups.some((group) => key.startsWith(group)) || literals.has(key) || literals.has(key.replace(/\.(one|other)$/, "")) || templates.some((one) => one.test(key));
const parameters = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

/** Words that are the same in English and another language. */
const SAME = new RegExp(`^(${[
  "Godwit", "Auto", "Live", "Demo", "Status", "Locator", "Station", "Position", "Wind", "Suggestions", "\\{count\\} station",
  "\\{count\\} stations", "\\{count\\}/min", "[a-z]{1,3}", "Bits", "Moment", "Pause", "\\{count\\}×", "Name", "\\{count\\} suggestions?", "Distance", "Wind", "igate", "digipeater", "satellite", "N NNE .*", "Altitude", "Imperial", "API", "Pages", "Symbol \\{symbol\\}",
].join("|")})$`);

test("no text is unused", () => {
  expect(keys.filter((key) => !used(key))).toEqual([]);
});

test("no source names a text that is not there", () => {
  const asked = sources.flatMap((source) => [...source.matchAll(/\b(?:t|plural)\("([^"]+)"/g)].map(([, key]) => key as string));
  expect(asked.length).toBeGreaterThan(40);
  expect(asked.filter((key) => !(key in en) && !(`${key}.other` in en))).toEqual([]);
});

describe.each([["de", de], ["es", es], ["fr", fr]] as const)("%s", (_, table) => {
  test("has every text and no other", () => {
    expect(Object.keys(table).sort()).toEqual([...keys].sort());
  });

  test("keeps the parameters", () => {
    for (const key of keys) expect([key, parameters(table[key as keyof typeof en])]).toEqual([key, parameters(en[key as keyof typeof en])]);
  });

  test("leaves nothing in English", () => {
    expect(keys.filter((key) => table[key as keyof typeof en] === en[key as keyof typeof en] && !SAME.test(en[key as keyof typeof en]))).toEqual([]);
  });

  test("has sixteen points of the compass", () => {
    expect(new Set(table.compass.split(" ")).size).toBe(16);
  });
});

/** Names that are the same in English and another language. */
const SAME_NAME = new RegExp(`^(${[
  "Digipeater", "Hotel", "Hospital", "Bus", "Jeep", "Laptop", "Restaurant", "Ambulance", "Satellite", "Tornado", "Igate", "Yacht, .*", "Police", "Drone",
].join("|")})$`);

describe.each([["en", enNames], ["de", deNames], ["es", esNames], ["fr", frNames]] as const)("symbols in %s", (language, names) => {
  const rust = readFileSync(new URL("../../../crates/packet/src/symbol.rs", import.meta.url), "utf8");
  const table = (name: string, first: string) => [...(rust.match(new RegExp(`const ${name}: .*? = \\[([^\\]]*)\\];`, "s"))?.[1] ?? "").matchAll(/"([^"]*)",/g)]
    .map(([, text], at) => [first + String.fromCharCode(33 + at), text as string] as const);
  const english = new Map([
    ...table("PRIMARY", "/"), ...table("ALTERNATE", "\\"),
    ...[...rust.matchAll(/\('(.)', '(.)', "([^"]+)"\)/g)].map(([, overlay = "", code = "", name = ""]) => [overlay + code, name] as const),
  ].filter(([, name]) => name !== ""));

  test("all that the server names, and no other", () => {
    expect(english.size).toBeGreaterThan(190);
    expect(Object.keys(names).sort()).toEqual([...english.keys()].sort());
  });

  test(language === "en" ? "as the server does" : "none in English", () => {
    const same = Object.entries(names).filter(([symbol, name]) => name === english.get(symbol));
    if (language === "en") expect(same.length).toBe(english.size);
    else expect(same.filter(([, name]) => !SAME_NAME.test(name))).toEqual([]);
  });
});

test("the sheet of symbols calls them the same", () => {
  const { symbols } = JSON.parse(readFileSync(new URL("../../../assets/symbols/symbols.json", import.meta.url), "utf8")) as { symbols: { table: string; code: string; name: string }[] };
  const named = symbols.filter(({ name }) => name !== "Unassigned" && name !== "Reserved");
  expect(named.length).toBeGreaterThan(150);
  expect(named.filter(({ table, code, name }) => enNames[table + code] !== name)).toEqual([]);
});

test("an overlay without a meaning of its own is named as the symbol below", async () => {
  await setLanguage("de");
  await vi.waitFor(() => expect(symbolName({ table: "/", code: ">" })).toBe("Auto"));
  expect([symbolName({ table: "B", code: ">" }), symbolName({ table: "Q", code: ">" }), symbolName({ table: "/", code: "z" }), symbolName({ table: "$", code: ">" })])
    .toEqual(["Batterie-Elektroauto", "Auto mit Zeichen, von oben", "", ""]);
  expect([symbolAndKind({ table: "/", code: ">" }, "station"), symbolAndKind({ table: "/", code: "z" }, "station")]).toEqual(["Auto · Station", "Station"]);
  await setLanguage("en");
});

describe("choosing", () => {
  afterEach(() => setLanguage("en"));

  test.each<[string[], Language]>([
    [["de-AT", "en"], "de"], [["pt-BR", "es-419"], "es"], [["FR"], "fr"], [["ja"], "en"], [[], "en"], [["toString", "__proto__"], "en"],
  ])("%j reads %s", (preferred, chosen) => expect(languageOf(preferred)).toBe(chosen));

  test("texts, numbers and plurals follow", async () => {
    await setLanguage("de");
    expect(language()).toBe("de");
    expect(t("close")).toBe("Schließen");
    expect([plural("pulse.entities", 1), plural("pulse.entities", 1234)]).toEqual(["1 Station", "1.234 Stationen"]);
    expect(number(1.5, 1)).toBe("1,5");
    expect([bearing(90), latLng(1.5, 2), age(90_000)]).toEqual(["90° O", "1,50000° N, 2,00000° O", "vor 1 d 1 h"]);
    await setLanguage("fr");
    // A million is a form of its own in French, for which there is no text of its own.
    expect(plural("pulse.entities", 1_000_000)).toMatch(/stations$/);
    expect(latLng(-1, -2)).toMatch(/S, .* O$/);
  });

  test("the last choice wins, whatever comes first", async () => {
    await Promise.all([setLanguage("de"), setLanguage("es"), setLanguage("en")]);
    expect(language()).toBe("en");
  });
});
