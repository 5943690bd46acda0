/** The present: by our clock while somebody looks, and by the server's. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Page } from "./page";

const tick = signal(Date.now());
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Date.now() that moves on every second while the component is there. */
export function useNow(): number {
  useEffect(() => {
    tick.value = Date.now();
    if (watchers++ === 0) {
      timer = setInterval(() => {
        // Nobody sees a hidden page age.
        if (!document.hidden) tick.value = Date.now();
      }, 1000);
    }
    return () => {
      if (--watchers === 0) clearInterval(timer);
    };
  }, []);
  return tick.value;
}

/** Ages are counted by the clock that took the times down. */
export function serverNowMs(page: Page, nowMs = Date.now()): number {
  return nowMs + page.stream.clockOffsetMs.value;
}
