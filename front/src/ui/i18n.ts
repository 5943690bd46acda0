/** The one way to a text of the page. A language is a table of all keys; numbers and plurals follow the language. */
import { type TextKey, en } from "./texts.en";

type Table = Readonly<Record<TextKey, string>>;
type Params = Readonly<Record<string, string | number>>;
/** Keys that exist as `key.one` and `key.other`. */
type PluralKey = TextKey extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;

const table: Table = en;
export const language = "en";
const plurals = new Intl.PluralRules(language);

function fill(text: string, params?: Params): string {
  if (params === undefined) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/** The text of a key, with `{name}` replaced by the parameter of that name. */
export function t(key: TextKey, params?: Params): string {
  return fill(table[key], params);
}

/** As `t`, in the form that the language uses for `count`; `{count}` is the number as the language writes it. */
export function plural(key: PluralKey, count: number): string {
  const form = `${key}.${plurals.select(count)}`;
  const text = form in table ? table[form as TextKey] : table[`${key}.other` as TextKey];
  return fill(text, { count: number(count) });
}

/** A number as the language writes it; `plain` leaves out the marks between thousands, as a pressure is written. */
export function number(value: number, digits = 0, plain = false): string {
  return new Intl.NumberFormat(language, {
    minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: !plain,
  }).format(value);
}
