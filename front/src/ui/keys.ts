/** Single letters that do something, as long as nobody is writing and the viewer has not switched them off. */
import { shortcuts } from "./settings";
import type { Page } from "./page";

export const KEYS = { "/": "search", "?": "help", l: "list", n: "near", f: "follow", o: "filter", s: "settings", t: "time", m: "ruler" } as const;
type Action = (typeof KEYS)[keyof typeof KEYS];

export function startKeys(page: Page, focusSearch: () => void): () => void {
  const side = (one: "list" | "filter" | "ruler") => page.openSide(page.side.value === one && page.selection.value === null ? "" : one);
  const actions: Readonly<Record<Action, () => void>> = {
    search: focusSearch,
    help: () => page.openOver("help"),
    list: () => side("list"),
    near: () => page.nearTo(page.view.value),
    follow: () => page.setFollow(!page.follow.value),
    filter: () => side("filter"),
    settings: () => page.openOver("settings"),
    time: () => page.openTime(),
    ruler: () => side("ruler"),
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      page.close();
      return;
    }
    const writing = (event.target as HTMLElement | null)?.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]") != null;
    if (writing || event.ctrlKey || event.metaKey || event.altKey || shortcuts.value === "off") return;
    const action = Object.hasOwn(KEYS, event.key) ? KEYS[event.key as keyof typeof KEYS] : undefined;
    if (action === undefined || page.over.value !== "") return;
    event.preventDefault();
    actions[action]();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
