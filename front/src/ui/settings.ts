/** What the viewer chose, kept in this browser only. */
import { type Signal, computed, effect, signal } from "@preact/signals";
import type { Units } from "./format";
import { LANGUAGES, type Language, languageOf, setLanguage } from "./i18n";

export type Theme = "auto" | "light" | "dark";

/** A signal that remembers itself; storage that is full or forbidden only costs the memory. */
function remembered<T extends string>(key: string, allowed: readonly T[], first: T): Signal<T> {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(key);
  } catch {
    // Storage is forbidden here.
  }
  const value = signal<T>(allowed.find((one) => one === stored) ?? first);
  effect(() => {
    try {
      localStorage.setItem(key, value.value);
    } catch {
      // As above.
    }
  });
  return value;
}

export const THEMES = ["auto", "light", "dark"] as const;
export const UNITS = ["metric", "imperial", "nautical"] as const;

export const theme = remembered<Theme>("godwit.theme", THEMES, "auto");
export const units = remembered<Units>("godwit.units", UNITS, "metric");

export const LANGUAGE_CHOICES = ["auto", ...(Object.keys(LANGUAGES) as Language[])] as const;
export const languageChoice = remembered<"auto" | Language>("godwit.language", LANGUAGE_CHOICES, "auto");
/** The texts of the chosen language could not be fetched. */
export const languageFailed = signal(false);

/** Shows the chosen language, now and whenever the choice changes. Resolves when the first one is there, or is not to be had. */
export function startLanguage(): Promise<void> {
  let first: Promise<void> = Promise.resolve();
  effect(() => {
    const choice = languageChoice.value;
    first = setLanguage(choice === "auto" ? languageOf(navigator.languages) : choice).then(
      () => {
        languageFailed.value = false;
      },
      (error: unknown) => {
        console.warn(`texts: ${String(error)}`);
        languageFailed.value = true;
      },
    );
  });
  return first;
}

const systemDark = signal(false);
export const dark = computed(() => (theme.value === "auto" ? systemDark.value : theme.value === "dark"));

/** Follows the system's colours and writes the choice to the document; call once. */
export function startTheme(): void {
  const query = matchMedia("(prefers-color-scheme: dark)");
  systemDark.value = query.matches;
  query.addEventListener("change", () => {
    systemDark.value = query.matches;
  });
  effect(() => {
    document.documentElement.dataset.theme = dark.value ? "dark" : "light";
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", dark.value ? "#10161c" : "#f4f2ec");
  });
}

export function reducedMotion(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
