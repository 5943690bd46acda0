/**
 * The texts of the pages beside the map: tables of their own in the four languages, so that the map's are not larger for
 * them. The language is the one that `ui/i18n` shows; what both have in common is asked there.
 */
import { type Params, fill, ownTexts, pluralOf } from "../ui/i18n";
import { en } from "./texts.en";

export type PageText = keyof typeof en;
export type PageTable = Readonly<Record<PageText, string>>;
type PagePlural = PageText extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;

const texts = ownTexts<PageTable>(en, {
  de: () => import("./texts.de").then((found) => found.de),
  es: () => import("./texts.es").then((found) => found.es),
  fr: () => import("./texts.fr").then((found) => found.fr),
});

/** Resolves when the texts of the language that is shown are there. */
export const textsReady = texts.ready;

/** The text of a key, with `{name}` replaced by the parameter of that name. */
export function p(key: PageText, params?: Params): string {
  return fill(texts.table.value[key], params);
}

/** In the form that the language uses for `count`. */
export function many(key: PagePlural, count: number, params?: Params): string {
  return pluralOf(texts.table.value, key, count, params);
}

/** The text of a key that the server made, such as a state; what there is no text for is shown as it came. */
export function word(group: string, code: string): string {
  return (texts.table.value as Record<string, string>)[`${group}.${code}`] ?? code.replaceAll("_", " ");
}
