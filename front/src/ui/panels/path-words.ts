/** The way of a packet in words. */
import type { Hop, StationDetail } from "../api";
import { t } from "../i18n";
import { visible } from "../visible";

/** Marks of networks, which are no stations: `NETWORK_MARKS` of godwit_packet. */
const NETWORK = /^(ALLSTAR|C4FM|DAPNET|DMR|DPMR|DSTAR|ECHOLINK|FUSION|IRLP|M17|MMDVM|NXDN|OGNDELAY|P25|POCSAG|TETRA|WIRES|WIRESX|YSF)(-|$)/i;
/** Aliases that say how far to repeat, not who does. */
const ALIAS = /^(WIDE|TRACE|RELAY|ECHO|HOP|GATE|TEMP|NOGATE|RFONLY|TCPIP|TCPXX)\d?(-\d+)?$/;
const Q = ["qAC", "qAX", "qAU", "qAo", "qAO", "qAS", "qAr", "qAR", "qAZ", "qAI"] as const;

/** Whether a path element is no station. */
export function isAlias(callsign: string): boolean {
  return ALIAS.test(callsign) || NETWORK.test(callsign);
}

/** The igate that heard the packet on radio. With qAS it may be a server that never did. */
export function igateOf(station: StationDetail): string | undefined {
  return station.heard === "internet" || station.q_construct === "qAS" ? undefined : station.igate;
}

/** The elements of the path that are about radio: those before the q construct; the igate after it has its own place. */
export function radioHops(station: StationDetail): Hop[] {
  const q = station.path.findIndex((hop) => hop.callsign === station.q_construct);
  return q < 0 ? station.path : station.path.slice(0, q);
}

/** The digipeaters that carried it and said who they are, in order. */
export function repeaters(hops: readonly Hop[]): string[] {
  return hops.filter((hop) => hop.used && !isAlias(hop.callsign)).map((hop) => hop.callsign);
}

export function pathWords(station: StationDetail): string {
  const said: string[] = [];
  const by = repeaters(radioHops(station));
  if (by.length > 0) said.push(t("path.repeated", { by: visible(by.join(", ")) }));
  else if (station.heard === "digipeated") said.push(t("path.repeated.unknown"));
  else said.push(t(`card.path.${station.heard}`));
  const igate = igateOf(station);
  if (igate !== undefined) said.push(t("path.gated", { igate: visible(igate) }));
  const q = Q.find((one) => one === station.q_construct);
  if (q !== undefined) said.push(t(`path.${q}`));
  return said.join(" ");
}
