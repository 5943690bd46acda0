/**
 * The one way to a text of the page. A language is a table of all keys; numbers and plurals follow the language.
 * English is always there, in parts: what is loaded later brings its texts (`texts.en.panels`, `texts.en.tools`). The other
 * tables are loaded when they are wanted. Components that call `t` are drawn anew when the language changes.
 */
import { type ReadonlySignal, batch, effect, signal } from "@preact/signals";
import { en } from "./texts.en";
import type { panels } from "./texts.en.panels";
import type { tools } from "./texts.en.tools";

export type TextKey = keyof typeof en | keyof typeof panels | keyof typeof tools;
export type Table = Readonly<Record<TextKey, string>>;
export type Params = Readonly<Record<string, string | number>>;
/** Keys that exist as `key.one` and `key.other`. */
export type PluralKey = TextKey extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;

/** Each language by its own name. */
export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español", fr: "Français" } as const;
export type Language = keyof typeof LANGUAGES;

const LOADERS: Readonly<Record<Exclude<Language, "en">, () => Promise<Table>>> = {
  de: () => import("./texts.de").then((found) => found.de),
  es: () => import("./texts.es").then((found) => found.es),
  fr: () => import("./texts.fr").then((found) => found.fr),
};

let english: Partial<Table> = en;
const table = signal<Partial<Table>>(en);
const current = signal<Language>("en");
let wanted: Language = "en";

/** Adds texts that came later. */
export function addEnglish(more: Partial<Table>): void {
  english = { ...english, ...more };
  if (current.peek() === "en") table.value = english;
}

/** The language that is shown; changes when its table has come. */
export const language = (): Language => current.value;

/** The first of the viewer's languages that there is a table for. */
export function languageOf(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const primary = tag.toLowerCase().split("-", 1)[0] ?? "";
    if (Object.hasOwn(LANGUAGES, primary)) return primary as Language;
  }
  return "en";
}

/** Changes the language; of several calls the last one wins. A table that does not load leaves the language as it is. */
export async function setLanguage(next: Language): Promise<void> {
  wanted = next;
  if (next === current.peek()) return;
  const loaded = next === "en" ? null : await LOADERS[next]();
  if (wanted !== next) return;
  batch(() => {
    table.value = loaded ?? english;
    current.value = next;
  });
}

/** Texts that a part of the page has for itself. */
export interface OwnTexts<T> {
  /** In the language that is shown, as soon as they have come; until then those before. */
  table: ReadonlySignal<T>;
  /** Resolves when those of the language that is shown now are there, or could not be loaded. */
  ready: () => Promise<void>;
}

/** Texts of a part of the page, which follow the language. A language without a loader, or whose texts do not load, is shown as `fallback`. */
export function ownTexts<T>(fallback: T, loaders: Readonly<Partial<Record<Language, () => Promise<T>>>>): OwnTexts<T> {
  const own = signal<T>(fallback);
  let loading = Promise.resolve();
  effect(() => {
    const shown = language();
    loading = (loaders[shown]?.() ?? Promise.resolve(fallback)).catch((error: unknown) => {
      console.warn(`texts: ${String(error)}`);
      return fallback;
    }).then((found) => {
      if (shown === language()) own.value = found;
    });
  });
  return { table: own, ready: () => loading };
}

/** What dates and numbers follow: the viewer's own region where it belongs to the language, else the language alone. */
export function locale(): string {
  const own = typeof navigator === "undefined" ? "" : (navigator.language ?? "");
  return own.toLowerCase().startsWith(`${current.value}-`) ? own : current.value;
}

/** A text with `{name}` replaced by the parameter of that name. */
export function fill(text: string, params?: Params): string {
  if (params === undefined) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/** The text of a key, with `{name}` replaced by the parameter of that name. */
export function t(key: TextKey, params?: Params): string {
  return fill(table.value[key] ?? key, params);
}

/** The text of a word that the server made, such as the code of an error; `otherwise` when there is none. */
export function worded(group: "error" | "trail.reason" | "card.mic_e", code: string, otherwise: string): string {
  return table.value[`${group}.${code}` as TextKey] ?? otherwise;
}

const made = new Map<string, Intl.PluralRules | Intl.NumberFormat>();

function once<T extends Intl.PluralRules | Intl.NumberFormat>(key: string, make: () => T): T {
  let found = made.get(key) as T | undefined;
  if (found === undefined) {
    found = make();
    made.set(key, found);
  }
  return found;
}

/** As `t`, in the form that the language uses for `count`; `{count}` is the number as the language writes it. */
export function plural(key: PluralKey, count: number, params?: Params): string {
  return pluralOf(table.value, key, count, params);
}

/** The same from another table of the language that is shown. */
export function pluralOf(texts: Readonly<Record<string, string>>, key: string, count: number, params?: Params): string {
  const rules = once(`plural ${current.value}`, () => new Intl.PluralRules(current.value));
  const text = texts[`${key}.${rules.select(count)}`] ?? texts[`${key}.other`] ?? key;
  return fill(text, { ...params, count: number(count) });
}

/** A number as the language writes it; `plain` leaves out the marks between thousands, as a pressure is written. */
export function number(value: number, digits = 0, plain = false): string {
  const where = locale();
  return once(`${where} ${digits} ${plain}`, () => new Intl.NumberFormat(where, {
    minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: !plain,
  })).format(value);
}
