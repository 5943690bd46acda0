/**
 * A panel as a sheet on a phone: it stands at one of three heights and is pulled between them by its head; pulled below
 * the lowest it closes. On a wide screen none of this is seen.
 */
import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useRef } from "preact/hooks";

export const DETENTS = ["peek", "half", "full"] as const;
export type Detent = (typeof DETENTS)[number];

/** A shorter pull is a tap. */
const PULL_PX = 6;
/** A flick carries on for as long, at the speed of its last movement. */
const FLICK_MS = 160;
const PEEK_PX = 92;
const BELOW_TOP_PX = 72;

/** The height of each detent in a window of this height. */
export function heightOf(detent: Detent, windowPx: number): number {
  return detent === "peek" ? PEEK_PX : detent === "half" ? Math.round(windowPx * 0.52) : windowPx - BELOW_TOP_PX;
}

/** Where a sheet let go at this height comes to rest; "close" when it was pulled out of the screen. */
export function rest(heightPx: number, windowPx: number): Detent | "close" {
  if (heightPx < PEEK_PX * 0.6) return "close";
  let best: Detent = "peek";
  for (const one of DETENTS) {
    if (Math.abs(heightOf(one, windowPx) - heightPx) < Math.abs(heightOf(best, windowPx) - heightPx)) best = one;
  }
  return best;
}

export interface Sheet {
  box: RefObject<HTMLElement | null>;
  detent: Signal<Detent>;
  /** Next larger, from the largest to the middle: for a tap and for keys. */
  toggle(): void;
  head: {
    onPointerDown(event: PointerEvent): void;
    onPointerMove(event: PointerEvent): void;
    onPointerUp(event: PointerEvent): void;
    onPointerCancel(): void;
  };
}

interface Pull {
  y: number;
  height: number;
  pulled: boolean;
  lastY: number;
  lastMs: number;
  speed: number;
}

export function useSheet(close: () => void): Sheet {
  const box = useRef<HTMLElement>(null);
  const pull = useRef<Pull | null>(null);
  const detent = useSignal<Detent>("half");
  const height = (px: number | null) => {
    const style = box.current?.style;
    if (style === undefined) return;
    style.maxHeight = px === null ? "" : `${px}px`;
    style.transition = px === null ? "" : "none";
  };
  return {
    box,
    detent,
    toggle() {
      detent.value = detent.value === "peek" ? "half" : detent.value === "half" ? "full" : "half";
    },
    head: {
      onPointerDown(event) {
        const { clientY: y, timeStamp } = event;
        pull.current = { y, height: box.current?.offsetHeight ?? 0, pulled: false, lastY: y, lastMs: timeStamp, speed: 0 };
      },
      onPointerMove(event) {
        const now = pull.current;
        if (now === null || getComputedStyle(event.currentTarget as Element).touchAction !== "none") return;
        if (!now.pulled) {
          if (Math.abs(event.clientY - now.y) < PULL_PX) return;
          // Only now: a button in the head that is tapped must get its click.
          (event.currentTarget as Element).setPointerCapture(event.pointerId);
          now.pulled = true;
        }
        const ms = event.timeStamp - now.lastMs;
        if (ms > 0) now.speed = (now.lastY - event.clientY) / ms;
        now.lastY = event.clientY;
        now.lastMs = event.timeStamp;
        height(Math.max(0, now.height + now.y - event.clientY));
      },
      onPointerUp(event) {
        const now = pull.current;
        pull.current = null;
        if (now === null || !now.pulled) return;
        height(null);
        const to = rest(now.height + now.y - event.clientY + now.speed * FLICK_MS, innerHeight);
        if (to === "close") close();
        else detent.value = to;
      },
      onPointerCancel() {
        pull.current = null;
        height(null);
      },
    },
  };
}
