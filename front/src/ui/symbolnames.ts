/** The names of the symbols, in English as the standard has them; put in at build time from assets/symbols/symbols.json. */
import { NO_CELL, cellOf } from "../map/atlas";

declare const __SYMBOL_NAMES__: readonly string[];

/** The name of a symbol given as table and code, as "/>"; empty when there is none. */
export function symbolName(symbol: string): string {
  const cell = cellOf(symbol.charCodeAt(0), symbol.charCodeAt(1));
  return cell === NO_CELL ? "" : __SYMBOL_NAMES__[cell] ?? "";
}
