/** The search box: suggestions while typing, arrows to choose, Enter to fly there. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type SearchResult, search } from "./api";
import { age } from "./format";
import { t } from "./i18n";
import { Icon } from "./icons";
import type { Page } from "./page";
import { serverNowMs } from "./clock";
import { SymbolImage } from "./symbol";

const AFTER_TYPING_MS = 120;

export function Search({ page }: { page: Page }) {
  const text = useSignal("");
  const results = useSignal<SearchResult[] | null>(null);
  const failed = useSignal(false);
  const active = useSignal(-1);
  const open = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  const request = useRef<AbortController | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      const typing = target?.closest("input, textarea, select, [contenteditable]") != null;
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  const ask = async (): Promise<SearchResult[]> => {
    clearTimeout(timer.current);
    request.current?.abort();
    const query = text.value.trim();
    if (query === "") {
      results.value = null;
      return [];
    }
    const mine = new AbortController();
    request.current = mine;
    try {
      const found = await search(query, mine.signal);
      if (mine.signal.aborted) return [];
      results.value = found;
      failed.value = false;
      active.value = -1;
      return found;
    } catch {
      if (!mine.signal.aborted) {
        results.value = [];
        failed.value = true;
      }
      return [];
    }
  };

  const choose = (result: SearchResult) => {
    request.current?.abort();
    clearTimeout(timer.current);
    text.value = result.name;
    open.value = false;
    input.current?.blur();
    const { name, kind, latitude: lat, longitude: lng } = result;
    page.open({ name, kind }, Number.isFinite(lat) && Number.isFinite(lng) ? { lat, lng } : true);
  };

  const enter = async () => {
    const chosen = results.value?.[active.value];
    if (chosen !== undefined) {
      choose(chosen);
      return;
    }
    const wanted = text.value.trim().toUpperCase();
    const found = await ask();
    const best = found.find((one) => one.name.toUpperCase() === wanted) ?? found[0];
    if (best !== undefined) choose(best);
    else open.value = wanted !== "";
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const count = results.value?.length ?? 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      open.value = true;
      // One more place than results: none chosen, the text as typed.
      const step = event.key === "ArrowDown" ? 1 : -1;
      active.value = ((active.value + 1 + step + count + 1) % (count + 1)) - 1;
    } else if (event.key === "Enter") {
      event.preventDefault();
      void enter();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (open.value && results.value !== null) open.value = false;
      else if (text.value !== "") text.value = "";
      else input.current?.blur();
    }
  };

  const shown = open.value && results.value !== null && text.value.trim() !== "";
  return (
    <search class="search panel">
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        role="combobox"
        list={undefined}
        aria-label={t("search.label")}
        aria-expanded={shown}
        aria-controls="suggestions"
        aria-autocomplete="list"
        aria-activedescendant={shown && active.value >= 0 ? `suggestion-${active.value}` : undefined}
        placeholder={t("search.placeholder")}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        maxLength={32}
        enterkeyhint="search"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          open.value = true;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => void ask(), AFTER_TYPING_MS);
        }}
        onFocus={() => {
          open.value = true;
        }}
        onBlur={() => {
          open.value = false;
        }}
        onKeyDown={onKeyDown}
      />
      {text.value === ""
        ? <kbd aria-hidden="true">/</kbd>
        : (
          <button
            class="quiet"
            type="button"
            aria-label={t("search.clear")}
            onClick={() => {
              text.value = "";
              results.value = null;
              input.current?.focus();
            }}
          >
            <Icon name="close" />
          </button>
        )}
      {/* The list stays in the page, so that the box always has what it says it controls. */}
      <ul id="suggestions" class="suggestions" role="listbox" aria-label={t("search.results")} hidden={!shown}>
        {shown && results.value?.map((result, i) => (
          <li
            key={`${result.kind} ${result.name}`}
            id={`suggestion-${i}`}
            role="option"
            aria-selected={i === active.value}
            // Before the blur that would close the list.
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => choose(result)}
          >
            <SymbolImage symbol={result.symbol} />
            <span class="name" dir="auto">{result.name}</span>
            <span class="age">{age((serverNowMs(page) - Date.parse(result.last_heard)) / 1000)}</span>
          </li>
        ))}
        {shown && results.value?.length === 0 && (
          <li class="empty" role="option" aria-selected="false" aria-disabled="true">
            {t(failed.value ? "search.failed" : "search.none")}
          </li>
        )}
      </ul>
    </search>
  );
}
