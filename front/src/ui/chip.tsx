/** Says that a filter is on, wherever it came from, and takes it off. */
import { EVERYTHING, test } from "../live/filter";
import { t } from "./i18n";
import { Icon } from "./icons";
import type { Page } from "./page";

export function FilterChip({ page }: { page: Page }) {
  if (test(page.filter.value) === null) return null;
  return (
    <div class="chip panel">
      <button type="button" class="text" onClick={() => page.openSide("filter")}>{t("chip.filtered")}</button>
      <button type="button" class="quiet" aria-label={t("chip.clear")} title={t("chip.clear")} onClick={() => page.setFilter(EVERYTHING)}>
        <Icon name="close" />
      </button>
    </div>
  );
}
