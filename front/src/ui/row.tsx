/** One line of a list of entities: symbol, name, how far and in which direction, and when it was heard. */
import type { SymbolId } from "./api";
import { serverNowMs, useNow } from "./clock";
import { age, bearing, distance } from "./format";
import type { Way } from "./geo";
import { CourseArrow } from "./icons";
import type { Page } from "./page";
import { units } from "./units";
import { SymbolImage } from "./symbol";
import { visible } from "./visible";

export interface RowData {
  name: string;
  symbol?: SymbolId | undefined;
  heardMs?: number | undefined;
  way?: Way | null | undefined;
}

function RowAge({ page, atMs }: { page: Page; atMs: number }) {
  return <>{age(Math.max(0, (serverNowMs(page, useNow()) - atMs) / 1000))}</>;
}

export function RowLine({ page, row }: { page: Page; row: RowData }) {
  const { way, heardMs } = row;
  return (
    <>
      {row.symbol === undefined ? <span class="symbol" aria-hidden="true" /> : <SymbolImage symbol={row.symbol} />}
      <span class="name" dir="auto">{visible(row.name)}</span>
      <span class="more">
        {way != null && (
          <span class="way"><CourseArrow deg={way.deg} /> {distance(way.km, units.value)}<span class="deg"> {bearing(way.deg)}</span></span>
        )}
        {heardMs !== undefined && heardMs > 0 && <span class="age"><RowAge page={page} atMs={heardMs} /></span>}
      </span>
    </>
  );
}
