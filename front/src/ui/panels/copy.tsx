/** Buttons that copy, or hand a link to what the device shares with. Each says whether it worked. */
import { useSignal } from "@preact/signals";
import { copyText } from "../clipboard";
import { t } from "../i18n";
import { Icon } from "../icons";

const SAY_MS = 2000;

export function CopyButton({ text, label, icon = "copy" }: { text: () => string; label: string; icon?: "copy" | "link" }) {
  const done = useSignal<boolean | null>(null);
  const copy = async () => {
    done.value = await copyText(text());
    setTimeout(() => {
      done.value = null;
    }, SAY_MS);
  };
  const said = done.value === null ? label : t(done.value ? "card.copied" : "card.copy.failed");
  return (
    <button type="button" class="action" onClick={() => void copy()}>
      <Icon name={done.value === true ? "check" : icon} />
      <span role="status">{said}</span>
    </button>
  );
}

/** Phones have a sheet of ways to share; everything else copies. */
export function ShareButton({ title, url }: { title: string; url: () => string }) {
  const shares = typeof navigator.share === "function" && matchMedia("(pointer: coarse)").matches;
  if (!shares) return <CopyButton icon="link" label={t("card.link")} text={url} />;
  const share = () => {
    // A viewer who closes the sheet rejects the promise: nothing went wrong.
    navigator.share({ title, url: url() }).catch(() => {});
  };
  return (
    <button type="button" class="action" onClick={share}>
      <Icon name="link" /><span>{t("card.share")}</span>
    </button>
  );
}
