/** What the viewer chose, kept in this browser only. */
import { type Signal, computed, effect, signal } from "@preact/signals";
import { LANGUAGES, type Language, languageOf, setLanguage } from "./i18n";

export type Theme = "auto" | "light" | "dark";

/** A signal that remembers itself, and follows what another tab of this browser chooses; storage that is full or forbidden only costs the memory. */
export function kept<T>(key: string, read: (stored: string | null) => T, write: (value: T) => string): Signal<T> {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(key);
  } catch {
    // Storage is forbidden here.
  }
  const value = signal<T>(read(stored));
  let begun = false;
  effect(() => {
    const text = write(value.value);
    // What nobody chose is not kept: it may be another one tomorrow.
    if (begun) {
      try {
        localStorage.setItem(key, text);
      } catch {
        // As above.
      }
    }
    begun = true;
  });
  // Told of by the browser in all tabs but the one that wrote.
  if (typeof window !== "undefined") {
    addEventListener("storage", (event) => {
      if (event.key === key) value.value = read(event.newValue);
    });
  }
  return value;
}

function remembered<T extends string>(key: string, allowed: readonly T[], first: T): Signal<T> {
  return kept(key, (stored) => allowed.find((one) => one === stored) ?? first, (value) => value);
}

export const THEMES = ["auto", "light", "dark"] as const;
export const MOTIONS = ["auto", "reduce"] as const;

export const theme = remembered<Theme>("godwit.theme", THEMES, "auto");
export const motion = remembered<(typeof MOTIONS)[number]>("godwit.motion", MOTIONS, "auto");
/** Whether single letters do something; who dictates or whose hand slips can switch them off. */
export const shortcuts = remembered<"on" | "off">("godwit.shortcuts", ["on", "off"], "on");

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

const systemStill = signal(false);
/** Whether nothing should glide or fly. */
export const still = computed(() => motion.value === "reduce" || systemStill.value);

/** Follows the system's wish for less motion and writes the choice to the document; call once. */
export function startMotion(): void {
  const query = matchMedia("(prefers-reduced-motion: reduce)");
  systemStill.value = query.matches;
  query.addEventListener("change", () => {
    systemStill.value = query.matches;
  });
  effect(() => {
    document.documentElement.dataset.motion = still.value ? "reduce" : "full";
  });
}
