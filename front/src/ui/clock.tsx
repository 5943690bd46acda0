/** The present by the server's clock, and ages that keep counting while they are on the screen. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { age, moment } from "./format";
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
        tick.value = Date.now();
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

export function Age({ page, atMs }: { page: Page; atMs: number }) {
  const now = serverNowMs(page, useNow());
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return null;
  return (
    <time dateTime={date.toISOString()} title={moment(atMs)}>
      {age(Math.max(0, (now - atMs) / 1000))}
    </time>
  );
}
