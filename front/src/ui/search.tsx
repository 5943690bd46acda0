/** The search box. What it suggests comes with `suggest.tsx`, fetched when the box is first used. */
import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { t } from "./i18n";
import { Icon } from "./icons";
import type { Page } from "./page";

type Part = typeof import("./suggest");
type Model = InstanceType<Part["Suggestions"]>;

export function Search({ page, input }: { page: Page; input: RefObject<HTMLInputElement | null> }) {
  const text = useSignal("");
  const open = useSignal(false);
  const loaded = useSignal<{ part: Part; model: Model } | null>(null);
  const failed = useSignal(false);

  const load = async (): Promise<Model | null> => {
    if (loaded.value !== null) return loaded.value.model;
    try {
      const part = await import("./suggest");
      failed.value = false;
      loaded.value ??= { part, model: new part.Suggestions(page) };
      return loaded.value.model;
    } catch (error) {
      console.warn(`search: ${String(error)}`);
      failed.value = true;
      return null;
    }
  };
  const typed = (now: string) => {
    text.value = now;
    open.value = true;
    void load().then((model) => model?.type(text.peek()));
  };
  const done = () => {
    open.value = false;
    input.current?.blur();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const model = loaded.value?.model;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      open.value = true;
      model?.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      open.value = true;
      const asked = text.peek();
      void load().then((it) => it?.enter()).then((went) => went === true && text.peek() === asked && done());
    } else if (event.key === "Escape") {
      // The browser's own Escape would empty the box at once.
      event.preventDefault();
      event.stopPropagation();
      if (!shown && text.value === "") input.current?.blur();
      else if (!shown) typed("");
      open.value = false;
    }
  };

  const { part, model } = loaded.value ?? {};
  const shown = open.value && (failed.value || (model !== undefined && (model.list.value.length > 0 || model.state.value !== "idle")));
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
        aria-activedescendant={shown && model !== undefined && model.active.value >= 0 ? `suggestion-${model.active.value}` : undefined}
        placeholder={t("search.placeholder")}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        maxLength={40}
        enterkeyhint="search"
        value={text.value}
        onInput={(event) => typed(event.currentTarget.value)}
        onFocus={() => typed(text.value)}
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
              typed("");
              input.current?.focus();
            }}
          >
            <Icon name="close" />
          </button>
        )}
      {/* The list stays in the page, so that the box always has what it says it controls. */}
      <ul id="suggestions" class="suggestions" role="listbox" aria-label={t("search.results")} hidden={!shown}>
        {failed.value && <li class="empty" role="option" aria-selected="false" aria-disabled="true">{t("part.failed")}</li>}
        {shown && part !== undefined && model !== undefined && (
          <part.Options page={page} model={model} choose={(one) => {
            if (!model.go(one)) return;
            if (one.is === "entity") text.value = one.name;
            done();
          }} />
        )}
      </ul>
      <span class="visually-hidden" role="status">{shown && part !== undefined && model !== undefined ? part.said(model) : ""}</span>
    </search>
  );
}
