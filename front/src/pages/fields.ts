/** What the fields of a packet are and what is odd about one, in the language that is shown. English comes with the packet; others are fetched with the first one that is opened. */
import { ownTexts } from "../ui/i18n";

/** By the names of `godwit_packet::Field` or the codes of `godwit_packet::DiagnosticCode`. */
export type Words = Readonly<Record<string, string>>;

const words = ownTexts<{ fields: Words; remarks: Words }>({ fields: {}, remarks: {} }, {
  de: () => import("./fields.de"),
  es: () => import("./fields.es"),
  fr: () => import("./fields.fr"),
});

/** The meaning of a field in the viewer's language, or null: then it is as the server said it. */
export function meaningOf(field: string): string | null {
  return words.table.value.fields[field] ?? null;
}

/** The same of a remark. */
export function remarkOf(code: string): string | null {
  return words.table.value.remarks[code] ?? null;
}
