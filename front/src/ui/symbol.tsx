/** An APRS symbol beside text: its cell of the symbol sheet, with the overlay character if it has one. */
import { COLUMNS, NO_CELL, ROWS, cellOf, overlayOf, sheetUrl } from "../map/atlas";
import type { SymbolId } from "./api";

export function SymbolImage({ symbol, large = false }: { symbol: SymbolId; large?: boolean }) {
  const table = symbol.table.charCodeAt(0);
  const cell = cellOf(table, symbol.code.charCodeAt(0));
  if (cell === NO_CELL) return <span class={large ? "symbol large" : "symbol"} aria-hidden="true" />;
  const style = {
    backgroundImage: `url("${sheetUrl}")`,
    backgroundSize: `${COLUMNS * 100}% ${ROWS * 100}%`,
    backgroundPosition: `${((cell % COLUMNS) * 100) / (COLUMNS - 1)}% ${(Math.floor(cell / COLUMNS) * 100) / (ROWS - 1)}%`,
  };
  return (
    <span class={large ? "symbol large" : "symbol"} style={style} aria-hidden="true">
      {overlayOf(table) >= 0 ? symbol.table : ""}
    </span>
  );
}
