/** Which layers the map shows, and its tools: a part of its menu. */
import "../texts.en.tools";
import { LAYERS, layers, switchLayer } from "../../map/shown";
import { t } from "../i18n";
import { Icon } from "../icons";
import type { Page } from "../page";

export function LayerChoices({ page }: { page: Page }) {
  const shown = layers.value;
  return (
    <>
      <fieldset class="ticks">
        <legend>{t("layers.title")}</legend>
        {LAYERS.map((one) => (
          <label key={one}>
            <input type="checkbox" checked={shown.has(one)} onChange={(event) => switchLayer(one, event.currentTarget.checked)} />
            <span>{t(`layers.${one}`)}</span>
          </label>
        ))}
      </fieldset>
      <div class="tools">
        <button type="button" class="tool" onClick={() => page.openSide("ruler")}><Icon name="ruler" /><span>{t("ruler.open")}</span></button>
        <button type="button" class="tool" onClick={() => page.openSide("files")}><Icon name="file" /><span>{t("files.open")}</span></button>
      </div>
    </>
  );
}
