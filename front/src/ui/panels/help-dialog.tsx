/** What the keys do. */
import { t } from "../i18n";
import { KEYS } from "../keys";
import type { Page } from "../page";
import { shortcuts } from "../settings";
import { Dialog } from "./dialog";

const MAP_KEYS = [["←↑→↓", "pan"], ["+ −", "zoom"], ["⇧F10", "menu"], ["Esc", "close"]] as const;

export function HelpDialog({ page }: { page: Page }) {
  return (
    <Dialog id="help-title" title={t("help.title")} close={() => page.openOver("")}>
      {shortcuts.value === "off" && <p class="note">{t("help.off")}</p>}
      <dl class="keys">
        {Object.entries(KEYS).map(([key, what]) => (
          <div class="key" key={key}><dt><kbd>{key}</kbd></dt><dd>{t(`help.${what}`)}</dd></div>
        ))}
        {MAP_KEYS.map(([key, what]) => (
          <div class="key" key={key}><dt><kbd>{key}</kbd></dt><dd>{t(`help.${what}`)}</dd></div>
        ))}
      </dl>
      <p class="faint">{t("help.inside")}</p>
      <p class="faint">{t("help.time_keys")}</p>
    </Dialog>
  );
}
