/** What the fields of a packet are and say, and what is odd about one, in the language that is shown. English comes with the packet; others are fetched with the first one that is opened. */
import { ownTexts } from "../ui/i18n";

/** By the names of `godwit_packet::Field`, the codes of `godwit_packet::DiagnosticCode` or the English of a value. */
export type Words = Readonly<Record<string, string>>;

const words = ownTexts<{ fields: Words; remarks: Words; values: Words }>({ fields: {}, remarks: {}, values: {} }, {
  de: () => import("./fields.de"),
  es: () => import("./fields.es"),
  fr: () => import("./fields.fr"),
});

/** The meaning of a field in the viewer's language, or null: then it is as the server said it. */
export function meaningOf(field: string, english: string): string | null {
  // The one field that means two things.
  const key = field === "destination" && english.startsWith("Latitude") ? "mic_e_destination" : field;
  return words.table.value.fields[key] ?? null;
}

/** The same of a remark. */
export function remarkOf(code: string): string | null {
  return words.table.value.remarks[code] ?? null;
}

/** Numbers, times and single letters within a value. */
const PARTICULARS = /-?\d[\d.:]*(?<![.:])|\b[A-Z]\b/g;

/** The words of a value, which the server gives in English, in the viewer's language; parts that are no words stay. */
export function valueOf(value: string): string {
  const { values } = words.table.value;
  return value.split(", ").map((part) => {
    const particulars = part.match(PARTICULARS) ?? [];
    const english = part.replace(PARTICULARS, "#");
    // A device may be called as every object's own members are.
    return !Object.hasOwn(values, english) ? part : (values[english] as string).replace(/#/g, () => particulars.shift() ?? "");
  }).join(", ");
}
