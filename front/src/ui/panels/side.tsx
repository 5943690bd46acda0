/** The frame of everything that lies beside the map: a column on a wide screen, a sheet from below on a phone. */
import "../texts.en.panels";
import "./panels.css";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../icons";
import { useSheet } from "./sheet";

interface Props {
  /** Of the heading; one frame is there at a time. */
  id: string;
  class?: string;
  /** A new one takes the focus and the top of the sheet: what the frame shows now. */
  subject?: string;
  head: ComponentChildren;
  close: () => void;
  children: ComponentChildren;
}

/** Gives the focus back to what had it before, when the focus would be lost. */
function useReturnFocus(): void {
  useEffect(() => {
    const before = document.activeElement;
    return () => {
      queueMicrotask(() => {
        const lost = document.activeElement === null || document.activeElement === document.body;
        if (lost && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
      });
    };
  }, []);
}

export function SideFrame({ id, subject, head, close, children, ...rest }: Props) {
  const sheet = useSheet(close);
  useReturnFocus();
  useEffect(() => {
    // Fetched a while after it was asked for, perhaps: who writes again by now goes on writing.
    if (document.activeElement?.matches('input[type="search"], input[type="text"]') === true) return;
    // preventScroll: the sheet slides in, the page must not jump.
    document.getElementById(id)?.focus({ preventScroll: true });
  }, [subject]);
  const { detent } = sheet;
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => body.current?.scrollTo(0, 0), [subject]);
  return (
    <aside class={`side panel ${rest.class ?? ""}`} aria-labelledby={id} ref={sheet.box} data-detent={detent.value}>
      <header {...sheet.head}>
        <button type="button" class="grip" aria-label={t(detent.value === "full" ? "sheet.shrink" : "sheet.grow")}
          aria-expanded={detent.value !== "peek"} onClick={() => sheet.toggle()} />
        {head}
        <button type="button" class="quiet" aria-label={t("close")} title={t("close")} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <div class="body" ref={body}>{children}</div>
    </aside>
  );
}

/** A heading that can take the focus, so that a screen reader begins there. */
export function Heading({ id, children }: { id: string; children: ComponentChildren }) {
  return <h2 id={id} tabIndex={-1} dir="auto">{children}</h2>;
}
