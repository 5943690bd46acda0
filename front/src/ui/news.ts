/** Reading the world now and then: soon after it changed or the view moved, at most once in a while, never while hidden. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Page } from "./page";

/** A number that grows when there is something new to read, at most once in `everyMs`; at once when the view or the filter changes. */
export function useNews(page: Page, everyMs: number): Signal<number> {
  const version = useSignal(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = () => {
      timer = undefined;
      version.value++;
    };
    const stops = [
      page.world.onChange(() => {
        timer ??= setTimeout(tell, everyMs);
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
