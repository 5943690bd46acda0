/** An APRS symbol beside text. The pair as sent stands for it as long as the symbol sheet is not part of the page. */
import type { SymbolId } from "./api";

export function SymbolImage({ symbol, large = false }: { symbol: SymbolId; large?: boolean }) {
  return <span class={large ? "symbol large" : "symbol"} aria-hidden="true">{symbol.table}{symbol.code}</span>;
}
