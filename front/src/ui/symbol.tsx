/** An APRS symbol as an image beside text. */
import type { SymbolId } from "./api";

export function SymbolImage({ symbol, large = false }: { symbol: SymbolId; large?: boolean }) {
  return <span class={large ? "symbol large" : "symbol"} aria-hidden="true">{symbol.table}{symbol.code}</span>;
}
