/** Which layers the map shows: a part of its menu. */
import "../texts.en.tools";
import { LAYERS, layers, switchLayer } from "../../map/shown";
import { t } from "../i18n";

export function LayerChoices() {
  const shown = layers.value;
  return (
    <fieldset class="ticks">
      <legend>{t("layers.title")}</legend>
      {LAYERS.map((one) => (
        <label key={one}>
          <input type="checkbox" checked={shown.has(one)} onChange={(event) => switchLayer(one, event.currentTarget.checked)} />
          <span>{t(`layers.${one}`)}</span>
        </label>
      ))}
    </fieldset>
  );
}
