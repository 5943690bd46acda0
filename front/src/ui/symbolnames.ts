/** What a symbol shows, in the language that is shown. The names are loaded with the first part of the page that says one. */
import type { EntityKind } from "./url";
import type { SymbolId } from "./api";
import { ownTexts, t } from "./i18n";

/** By table and code, as "/>"; by overlay and code, as "I&", where that has a name of its own. Places that are free are not in it. */
export type SymbolNames = Readonly<Record<string, string>>;

const names = ownTexts<SymbolNames>({}, {
  en: () => import("./symbolnames.en").then((found) => found.symbols),
  de: () => import("./symbolnames.de").then((found) => found.symbols),
  es: () => import("./symbolnames.es").then((found) => found.symbols),
  fr: () => import("./symbolnames.fr").then((found) => found.symbols),
});

/** Empty when the symbol has no name, or the names are not there yet. */
export function symbolName({ table, code }: SymbolId): string {
  const of = names.table.value;
  return of[table + code] ?? (/[0-9A-Z]/.test(table) ? of[`\\${code}`] : undefined) ?? "";
}

/** What stands below the name of an entity: "Car · Station". */
export function symbolAndKind(symbol: SymbolId | undefined, kind: EntityKind): string {
  const name = symbol === undefined ? "" : symbolName(symbol);
  return name === "" ? t(`card.kind.${kind}`) : `${name} · ${t(`card.kind.${kind}`)}`;
}
