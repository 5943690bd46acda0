/** The panel of filters: which entities the map shows. */
import { EVERYTHING, type Filter, symbolOf, test } from "../live/filter";
import { t } from "./i18n";
import type { Page } from "./page";
import { SymbolImage } from "./symbol";

const KINDS = ["", "station", "object", "item"] as const;
const HEARD = ["", "radio", "internet"] as const;
const AGES_MIN = [0, 10, 30, 60, 180, 720, 1440] as const;
const MOST_SYMBOLS = 20;

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

function Select<T extends string>(props: { title: string; options: readonly T[]; chosen: T; text: (one: T) => string; choose: (one: T) => void }) {
  return (
    <label class="pick-one">
      <span>{props.title}</span>
      <select value={props.chosen} onChange={(event) => props.choose(event.currentTarget.value as T)}>
        {props.options.map((one) => <option key={one} value={one}>{props.text(one)}</option>)}
      </select>
    </label>
  );
}

function Check(props: { title: string; on: boolean; set: (on: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={props.on} onChange={(event) => props.set(event.currentTarget.checked)} />
      <span>{props.title}</span>
    </label>
  );
}

export function FilterPanel({ page }: { page: Page }) {
  const filter = page.filter.value;
  const set = (change: Partial<Filter>) => page.setFilter({ ...filter, ...change });
  const toggle = (symbol: string) => set({
    symbols: filter.symbols.includes(symbol) ? filter.symbols.filter((one) => one !== symbol) : [...filter.symbols, symbol],
  });
  return (
    <div class="menu panel" id="filter">
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
          {symbolsAtHand(page).map((symbol) => (
            <li key={symbol}>
              <button type="button" aria-pressed={filter.symbols.includes(symbol)} aria-label={t("filter.symbol", { symbol })}
                title={symbol} onClick={() => toggle(symbol)}>
                <SymbolImage symbol={{ table: symbol.charAt(0), code: symbol.charAt(1) }} />
              </button>
            </li>
          ))}
        </ul>
      </fieldset>
      {page.view.value.zoom < 5 && <p class="faint">{t("filter.zoom")}</p>}
      <button type="button" class="text" disabled={test(filter) === null} onClick={() => page.setFilter(EVERYTHING)}>{t("filter.clear")}</button>
    </div>
  );
}
