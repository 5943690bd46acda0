/** A dialog over everything: the browser holds the focus in it, and closes it with Escape and with the phone's Back. */
import "../texts.en.panels";
import "./panels.css";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../icons";

export function Dialog({ id, title, close, children }: { id: string; title: string; close: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = box.current as HTMLDialogElement;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog
      ref={box} class="dialog panel" aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      // The page's own Escape would close one thing more.
      onKeyDown={(event) => event.stopPropagation()}
      onClick={(event) => {
        if (event.target === box.current) close();
      }}
    >
      <div class="inner">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="quiet" aria-label={t("close")} title={t("close")} onClick={close}><Icon name="close" /></button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
