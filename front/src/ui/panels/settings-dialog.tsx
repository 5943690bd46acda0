/** What a viewer chooses once: language, colours, motion, keys and each unit by itself. */
import { Choice, Select } from "../choice";
import { LANGUAGES, t } from "../i18n";
import { Icon } from "../icons";
import { canInstall, install } from "../install";
import { LANGUAGE_CHOICES, MOTIONS, THEMES, languageChoice, languageFailed, motion, shortcuts, theme } from "../settings";
import { PRESETS, type Preset, type Quantity, UNIT_CHOICES, UNIT_SYMBOLS, presetOf, units } from "../units";
import { Dialog } from "./dialog";

function UnitChoices() {
  const now = units.value;
  const preset = presetOf(now);
  return (
    <fieldset class="units">
      <legend>{t("menu.units")}</legend>
      <div class="presets">
        {(Object.keys(PRESETS) as Preset[]).map((one) => (
          <button key={one} type="button" class="action" aria-pressed={preset === one} onClick={() => {
            units.value = PRESETS[one];
          }}>{t(`menu.units.${one}`)}</button>
        ))}
      </div>
      <div class="grid">
        {(Object.keys(UNIT_CHOICES) as Quantity[]).map((quantity) => (
          <Select
            key={quantity} title={t(`unit.of.${quantity}`)} options={UNIT_CHOICES[quantity] as readonly string[]} chosen={now[quantity]}
            text={(one) => UNIT_SYMBOLS[one] ?? one}
            choose={(one) => {
              units.value = { ...units.peek(), [quantity]: one };
            }}
          />
        ))}
      </div>
    </fieldset>
  );
}

/** `help` opens the list of keys, where there are any. */
export function SettingsDialog({ version, close, help }: { version: string; close: () => void; help?: () => void }) {
  return (
    <Dialog id="settings-title" title={t("settings.title")} close={close}>
      <Select title={t("menu.language")} options={LANGUAGE_CHOICES} chosen={languageChoice.value}
        text={(one) => (one === "auto" ? t("menu.language.auto") : LANGUAGES[one])} lang={(one) => (one === "auto" ? undefined : one)}
        choose={(one) => {
          languageChoice.value = one;
        }} />
      {languageFailed.value && <p class="note" role="alert">{t("menu.language.failed")}</p>}
      <Choice name="settings-theme" title={t("menu.theme")} options={THEMES} chosen={theme} text={(one) => t(`menu.theme.${one}`)} />
      <Choice name="motion" title={t("settings.motion")} options={MOTIONS} chosen={motion} text={(one) => t(`settings.motion.${one}`)} />
      <Choice name="shortcuts" title={t("settings.shortcuts")} options={["on", "off"]} chosen={shortcuts} text={(one) => t(`settings.shortcuts.${one}`)} />
      <UnitChoices />
      <p class="faint">{t("settings.kept")}</p>
      <div class="actions">
        {canInstall.value && (
          <button type="button" class="action" onClick={() => void install()}><Icon name="install" /><span>{t("settings.install")}</span></button>
        )}
        {help !== undefined && <button type="button" class="action" onClick={help}>{t("help.title")}</button>}
      </div>
      {version !== "" && <p class="faint">{t("app.name")} {version}</p>}
    </Dialog>
  );
}
