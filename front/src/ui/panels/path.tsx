/** The way of a packet: in words, and element by element. */
import type { Hop, StationDetail } from "../api";
import { t } from "../i18n";
import type { Page } from "../page";
import { Row } from "./rows";

/** Aliases that say how far to repeat, not who does. */
const ALIAS = /^(WIDE|TRACE|RELAY|ECHO|HOP|GATE|TEMP|NOGATE|RFONLY|TCPIP|TCPXX)\d?(-\d+)?$/;
const Q = ["qAC", "qAX", "qAU", "qAo", "qAO", "qAS", "qAr", "qAR", "qAZ", "qAI"] as const;

/** How many elements of the path are about radio: those before the q construct; the igate after it has its own place. */
function radioHops(station: StationDetail): number {
  const q = station.path.findIndex((hop) => hop.callsign === station.q_construct);
  return q < 0 ? station.path.length : q;
}

/** The digipeaters that carried it and said who they are, in order. */
export function repeaters(hops: readonly Hop[]): string[] {
  return hops.filter((hop) => hop.used && !ALIAS.test(hop.callsign)).map((hop) => hop.callsign);
}

function words(station: StationDetail, hops: readonly Hop[]): string[] {
  const said: string[] = [];
  const by = repeaters(hops);
  if (by.length > 0) said.push(t("path.repeated", { by: by.join(", ") }));
  else if (station.heard === "digipeated") said.push(t("path.repeated.unknown"));
  else said.push(t(`card.path.${station.heard}`));
  if (station.igate !== undefined && station.heard !== "internet") said.push(t("path.gated", { igate: station.igate }));
  const q = Q.find((one) => one === station.q_construct);
  if (q !== undefined) said.push(t(`path.${q}`));
  return said;
}

export function Path({ page, station }: { page: Page; station: StationDetail }) {
  const hops = station.path.slice(0, radioHops(station));
  const open = (name: string) => page.open({ name, kind: "station" }, true);
  return (
    <Row title={t("card.path")}>
      <p>{words(station, hops).join(" ")}</p>
      <ol class="path">
        {hops.map((hop, i) => {
          const used = t(hop.used ? "card.path.used" : "card.path.unused");
          return (
            <li key={i} class={hop.used ? "used" : ""} title={used}>
              {ALIAS.test(hop.callsign) ? hop.callsign : <button type="button" class="text" onClick={() => open(hop.callsign)}>{hop.callsign}</button>}
              <span class="visually-hidden"> {used}</span>
            </li>
          );
        })}
        {station.igate !== undefined && (
          <li class="igate">
            <button type="button" class="text" title={t("card.path.igate")} onClick={() => open(station.igate as string)}>{station.igate}</button>
          </li>
        )}
      </ol>
    </Row>
  );
}
