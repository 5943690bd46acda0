/** The panel of filters: which entities the map shows, and how many of those in view that leaves. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { EVERYTHING, type Filter, symbolOf, test } from "../../live/filter";
import { Select } from "../choice";
import { number, t } from "../i18n";
import { countInView } from "../inview";
import { useNews } from "../news";
import type { Page } from "../page";
import { SymbolImage } from "../symbol";
import { symbolName } from "../symbolnames";
import { Heading, SideFrame } from "./side";

const KINDS = ["", "station", "object", "item"] as const;
const HEARD = ["", "radio", "direct", "internet"] as const;
const AGES_MIN = [0, 10, 30, 60, 180, 720, 1440] as const;
const MOST_SYMBOLS = 20;
const COUNT_EVERY_MS = 1000;

/** The commonest symbols of the entities at hand and those chosen, in an order that a choice does not change. */
function symbolsAtHand(page: Page): string[] {
  const counts = new Map<string, number>(page.filter.value.symbols.map((one) => [one, Number.MAX_SAFE_INTEGER]));
  const { entities } = page.world;
  for (let slot = 0; slot < entities.length; slot++) {
    if (entities.present[slot] === 0) continue;
    const symbol = symbolOf(entities, slot);
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, MOST_SYMBOLS).map(([symbol]) => symbol).sort();
}

function Check(props: { title: string; on: boolean; set: (on: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={props.on} onChange={(event) => props.set(event.currentTarget.checked)} />
      <span>{props.title}</span>
    </label>
  );
}

/** The symbols to choose from: they change when the view does, not while somebody chooses. */
function useSymbols(page: Page): readonly string[] {
  const symbols = useSignal<readonly string[]>([]);
  const news = useNews(page, COUNT_EVERY_MS, () => symbols.peek().length === 0);
  const read = useRef<unknown>(null);
  useEffect(() => {
    const view = page.bounds.peek();
    if (symbols.peek().length > 0 && read.current === view) return;
    read.current = view;
    symbols.value = symbolsAtHand(page);
  }, [news.value]);
  // One that the address brought along may be nowhere in view.
  return [...new Set([...symbols.value, ...page.filter.value.symbols])];
}

function Counted({ page }: { page: Page }) {
  const none = useRef(true);
  const news = useNews(page, COUNT_EVERY_MS, () => none.current);
  const view = page.bounds.value;
  if (view === null || news.value < 0) return null;
  if (page.view.value.zoom < 5) return <p class="faint">{t("filter.zoom")}</p>;
  const { shown, all } = countInView(page.world.entities, view, page.filter.value);
  none.current = all === 0;
  return <p class="faint counted" role="status">{t("filter.count", { shown: number(shown), all: number(all) })}</p>;
}

export function FilterPanel({ page }: { page: Page }) {
  const filter = page.filter.value;
  const symbols = useSymbols(page);
  const set = (change: Partial<Filter>) => page.setFilter({ ...filter, ...change });
  const toggle = (symbol: string) => set({
    symbols: filter.symbols.includes(symbol) ? filter.symbols.filter((one) => one !== symbol) : [...filter.symbols, symbol],
  });
  return (
    <SideFrame id="filter-title" class="filter" close={() => page.close()} head={(
      <div class="who">
        <Heading id="filter-title">{t("filter.title")}</Heading>
        <Counted page={page} />
      </div>
    )}>
      <div class="form">
        <Select title={t("filter.kind")} options={KINDS} chosen={filter.kind} choose={(kind) => set({ kind })}
          text={(one) => (one === "" ? t("filter.all") : t(`card.kind.${one}`))} />
        <Select title={t("filter.heard")} options={HEARD} chosen={filter.heard} choose={(heard) => set({ heard })}
          text={(one) => (one === "" ? t("filter.all") : t(`filter.heard.${one}`))} />
        <Select title={t("filter.age")} options={AGES_MIN.map(String)} chosen={String(filter.ageMin)} choose={(one) => set({ ageMin: Number(one) })}
          text={(one) => (one === "0" ? t("filter.all")
            : Number(one) < 60 ? `${one} ${t("unit.minute")}` : `${Number(one) / 60} ${t("unit.hour")}`)} />
        <div class="checks">
          <Check title={t("filter.moving")} on={filter.moving} set={(moving) => set({ moving })} />
          <Check title={t("filter.weather")} on={filter.weather} set={(weather) => set({ weather })} />
        </div>
        <fieldset class="choice">
          <legend>{t("filter.symbols")}</legend>
          <ul class="symbols">
            {symbols.map((symbol) => {
              const shown = { table: symbol.charAt(0), code: symbol.charAt(1) };
              const name = `${symbolName(shown)} ${symbol}`.trim();
              return (
                <li key={symbol}>
                  <button type="button" aria-pressed={filter.symbols.includes(symbol)} aria-label={t("filter.symbol", { symbol: name })} title={name}
                    onClick={() => toggle(symbol)}>
                    <SymbolImage symbol={shown} />
                  </button>
                </li>
              );
            })}
          </ul>
        </fieldset>
      </div>
      <div class="actions">
        <button type="button" class="action" disabled={test(filter) === null} onClick={() => page.setFilter(EVERYTHING)}>{t("filter.clear")}</button>
      </div>
    </SideFrame>
  );
}
