/** Reading the world now and then: soon after it changed or the view moved, at most once in a while, never while hidden. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Page } from "./page";

/** The first stations of a page are waited for. */
const SOON_MS = 150;

/**
 * A number that grows when there is something new to read: at most once in `everyMs`, sooner while the reader has nothing
 * yet (`empty`), at once when the view or the filter changes.
 */
export function useNews(page: Page, everyMs: number, empty: () => boolean = () => false): Signal<number> {
  const version = useSignal(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = () => {
      timer = undefined;
      version.value++;
    };
    const stops = [
      page.world.onChange(() => {
        timer ??= setTimeout(tell, empty() ? SOON_MS : everyMs);
      }),
      page.bounds.subscribe(tell),
      page.filter.subscribe(tell),
    ];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, []);
  return version;
}
