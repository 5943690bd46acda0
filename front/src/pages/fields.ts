/** What the fields of a packet are, in the language that is shown. English comes with the packet; others are fetched with the first one that is opened. */
import { effect, signal } from "@preact/signals";
import { type Language, language } from "../ui/i18n";

/** By the names of `godwit_packet::Field`. */
export type Fields = Readonly<Record<string, string>>;

const LOADERS: Readonly<Record<Exclude<Language, "en">, () => Promise<Fields>>> = {
  de: () => import("./fields.de").then((found) => found.fields),
  es: () => import("./fields.es").then((found) => found.fields),
  fr: () => import("./fields.fr").then((found) => found.fields),
};

const table = signal<Fields>({});

effect(() => {
  const wanted = language();
  (wanted === "en" ? Promise.resolve({}) : LOADERS[wanted]()).then(
    (found) => {
      if (language() === wanted) table.value = found;
    },
    // What the server said will do.
    (error: unknown) => console.warn(`texts: ${String(error)}`),
  );
});

/** The meaning in the viewer's language, or null: then it is as the server said it. */
export function meaningOf(field: string): string | null {
  return table.value[field] ?? null;
}
