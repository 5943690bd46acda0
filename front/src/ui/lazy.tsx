/**
 * Parts of the page that are fetched when they are first wanted. Until then nothing is shown; a part that does not come
 * (no network, or a newer version took its place) says so and can be asked for again.
 */
import { type Signal, signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "./i18n";

type State<P> = { kind: "none" | "coming" | "failed" } | { kind: "here"; part: ComponentType<P> };

/** A component that stands for another one; `prefetch` gets it before it is shown. */
export type Lazy<P> = ComponentType<P> & { prefetch(): void };

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): Lazy<P> {
  const state: Signal<State<P>> = signal({ kind: "none" });
  const fetchIt = () => {
    if (state.peek().kind === "here" || state.peek().kind === "coming") return;
    state.value = { kind: "coming" };
    load().then(
      (part) => {
        state.value = { kind: "here", part };
      },
      (error: unknown) => {
        console.warn(`a part of the page: ${String(error)}`);
        state.value = { kind: "failed" };
      },
    );
  };
  function Stand(props: P) {
    useEffect(fetchIt, []);
    const now = state.value;
    if (now.kind === "here") return <now.part {...props} />;
    if (now.kind !== "failed") return null;
    return (
      <p class="notice panel" role="alert">
        {t("part.failed")} <button type="button" class="text" onClick={fetchIt}>{t("part.retry")}</button>
      </p>
    );
  }
  return Object.assign(Stand, { prefetch: fetchIt });
}

/** Fetches parts one after the other when the page has nothing better to do. */
export function prefetchWhenIdle(...parts: { prefetch(): void }[]): void {
  const [first, ...rest] = parts;
  if (first === undefined) return;
  const run = () => {
    first.prefetch();
    prefetchWhenIdle(...rest);
  };
  if ("requestIdleCallback" in window) requestIdleCallback(run);
  else setTimeout(run, 1000);
}
