/** The way to the pages beside the map: a part of its menu. */
import "../texts.en.panels";
import { pagePath } from "../../pages/address";
import { t } from "../i18n";

const LINKED = ["packets", "badpackets", "weather", "status", "api", "about"] as const;

export function PageLinks() {
  return (
    <nav class="page-links" aria-label={t("pages.title")}>
      {LINKED.map((one) => <a key={one} href={pagePath(one)}>{t(`pages.${one}`)}</a>)}
    </nav>
  );
}
