/** The way of a packet: in words, and element by element. */
import type { StationDetail } from "../api";
import { t } from "../i18n";
import type { Page } from "../page";
import { visible } from "../visible";
import { igateOf, isAlias, pathWords, radioHops } from "./path-words";
import { Row } from "./rows";

export function Path({ page, station }: { page: Page; station: StationDetail }) {
  const hops = radioHops(station);
  const igate = igateOf(station);
  const open = (name: string) => page.open({ name, kind: "station" }, true);
  return (
    <Row title={t("card.path")}>
      <p>{pathWords(station)}</p>
      <ol class="path">
        {hops.map((hop, i) => {
          const used = t(hop.used ? "card.path.used" : "card.path.unused");
          return (
            <li key={i} class={hop.used ? "used" : ""} title={used}>
              {isAlias(hop.callsign) ? visible(hop.callsign) : <button type="button" class="text" dir="auto" onClick={() => open(hop.callsign)}>{visible(hop.callsign)}</button>}
              <span class="visually-hidden"> {used}</span>
            </li>
          );
        })}
        {igate !== undefined && (
          <li class="igate">
            <button type="button" class="text" title={t("card.path.igate")} onClick={() => open(igate)}>{visible(igate)}</button>
          </li>
        )}
      </ol>
    </Row>
  );
}
