/**
 * The texts of the pages beside the map: tables of their own in the four languages, so that the map's are not larger for
 * them. The language is the one that `ui/i18n` shows; what both have in common is asked there.
 */
import { effect, signal } from "@preact/signals";
import { type Language, type Params, fill, language, pluralOf } from "../ui/i18n";
import { en } from "./texts.en";

export type PageText = keyof typeof en;
export type PageTable = Readonly<Record<PageText, string>>;
type PagePlural = PageText extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;

const LOADERS: Readonly<Record<Exclude<Language, "en">, () => Promise<PageTable>>> = {
  de: () => import("./texts.de").then((found) => found.de),
  es: () => import("./texts.es").then((found) => found.es),
  fr: () => import("./texts.fr").then((found) => found.fr),
};

const table = signal<PageTable>(en);

/** Follows the language from now on. Resolves when the first table is there; one that does not load leaves English. */
export function startTexts(): Promise<void> {
  let first: Promise<void> = Promise.resolve();
  effect(() => {
    const wanted = language();
    first = (wanted === "en" ? Promise.resolve(en) : LOADERS[wanted]()).then(
      (found) => {
        if (language() === wanted) table.value = found;
      },
      (error: unknown) => console.warn(`texts: ${String(error)}`),
    );
  });
  return first;
}

/** The text of a key, with `{name}` replaced by the parameter of that name. */
export function p(key: PageText, params?: Params): string {
  return fill(table.value[key], params);
}

/** In the form that the language uses for `count`. */
export function many(key: PagePlural, count: number, params?: Params): string {
  return pluralOf(table.value, key, count, params);
}

/** The text of a key that the server made, such as a state; what there is no text for is shown as it came. */
export function word(group: string, code: string): string {
  return (table.value as Record<string, string>)[`${group}.${code}`] ?? code.replaceAll("_", " ");
}
