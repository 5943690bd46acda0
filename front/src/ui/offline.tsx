/** What the map can and cannot show while there is no connection; only when it has lasted, so that a hiccup says nothing. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "./i18n";
import type { Page } from "./page";

const AFTER_MS = 4000;

export function OfflineNotice({ page }: { page: Page }) {
  const { kind } = page.stream.state.value;
  const lost = kind === "offline" || kind === "reconnecting";
  const lasting = useSignal(false);
  useEffect(() => {
    if (!lost) {
      lasting.value = false;
      return;
    }
    const timer = setTimeout(() => {
      lasting.value = true;
    }, AFTER_MS);
    return () => clearTimeout(timer);
  }, [lost]);
  if (!lost || !lasting.value) return null;
  return <p class="notice panel" role="status">{t(page.world.size === 0 ? "offline.empty" : "offline.stale")}</p>;
}
