/** The card as a sheet on a phone: pulled up it grows, pulled down it shrinks and then closes. */
import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useRef } from "preact/hooks";

/** A shorter pull is a tap. */
const PULL_PX = 40;

export interface Sheet {
  box: RefObject<HTMLElement | null>;
  tall: Signal<boolean>;
  handle: {
    onPointerDown(event: PointerEvent): void;
    onPointerMove(event: PointerEvent): void;
    onPointerUp(event: PointerEvent): void;
    onPointerCancel(): void;
  };
}

export function useSheet(close: () => void): Sheet {
  const box = useRef<HTMLElement>(null);
  const from = useRef<number | null>(null);
  const tall = useSignal(false);
  const shift = (px: number) => {
    if (box.current !== null) box.current.style.translate = px > 0 ? `0 ${px}px` : "";
  };
  return {
    box,
    tall,
    handle: {
      onPointerDown(event) {
        from.current = event.clientY;
        (event.currentTarget as Element).setPointerCapture(event.pointerId);
      },
      onPointerMove(event) {
        if (from.current !== null) shift(event.clientY - from.current);
      },
      onPointerUp(event) {
        if (from.current === null) return;
        const pulled = event.clientY - from.current;
        from.current = null;
        shift(0);
        if (pulled > PULL_PX) {
          if (tall.value) tall.value = false;
          else close();
        } else {
          tall.value = pulled < -PULL_PX || !tall.value;
        }
      },
      onPointerCancel() {
        from.current = null;
        shift(0);
      },
    },
  };
}
