/** `/info/NAME`: everything that is known of a station, object or item, and who hears whom. */
import { useEffect, useState } from "preact/hooks";
import { type Near, type StationDetail, type Summary, near, search } from "../ui/api";
import { deviceClass } from "../ui/device";
import { ambiguityKm, bearing, distance, height, latLng, locator, moment, speed } from "../ui/format";
import { number, t } from "../ui/i18n";
import { CourseArrow } from "../ui/icons";
import { CopyButton, ShareButton } from "../ui/panels/copy";
import { callsignOf, othersOf } from "../ui/panels/others";
import { igateOf, isAlias, pathWords, radioHops } from "../ui/panels/path-words";
import { Row } from "../ui/panels/rows";
import { TelemetryValues } from "../ui/panels/telemetry";
import { WeatherValues } from "../ui/panels/weather";
import { SymbolImage } from "../ui/symbol";
import { symbolAndKind } from "../ui/symbolnames";
import { units } from "../ui/units";
import { visible } from "../ui/visible";
import { pagePath } from "./address";
import { useAnswer } from "./answer";
import type { PacketAnswer } from "./explanation";
import type { PageProps } from "./frame";
import { HeardTables } from "./heard";
import { Ago, NameForm, NamePages, Section, StationLink, Waiting, kindOfAddress } from "./parts";
import { p, word } from "./texts";

const ANEW_MS = 10_000;
const PACKETS = 15;
const NEAR = 10;

function Where({ station }: { station: StationDetail }) {
  const { latitude, longitude, ambiguity = 0 } = station;
  if (latitude === undefined || longitude === undefined) return <p class="note">{p("info.nowhere")}</p>;
  return (
    <dl>
      <Row title={t("card.position")}>
        <p>{latLng(latitude, longitude, ambiguity)}</p>
        {ambiguity > 0 && <p class="faint">{t("card.ambiguity", { distance: distance(ambiguityKm(ambiguity), units.value) })}</p>}
      </Row>
      <Row title={t("card.locator")}>{locator(latitude, longitude, ambiguity > 2 ? 4 : 6)}</Row>
      {station.altitude_m !== undefined && <Row title={t("card.altitude")}>{height(station.altitude_m, units.value)}</Row>}
      {station.speed_kmh !== undefined && <Row title={t("card.speed")}>{speed(station.speed_kmh, units.value)}</Row>}
      {station.course_deg !== undefined && <Row title={t("card.course")}><CourseArrow deg={station.course_deg} /> {bearing(station.course_deg)}</Row>}
      <Row title={p("info.positioned")}><span title={moment(Date.parse(station.received_at))}><Ago at={station.received_at} /></span></Row>
    </dl>
  );
}

function Radio({ station }: { station: StationDetail }) {
  const { device, phg, range_km: range } = station;
  const model = [device?.vendor, device?.model].filter(Boolean).join(" ");
  const hops = Array.isArray(station.path) ? radioHops(station) : [];
  const igate = igateOf(station);
  return (
    <dl>
      {station.heard !== undefined && Array.isArray(station.path) && (
        <Row title={t("card.path")}>
          <p>{pathWords(station)}</p>
          <ol class="path">
            {hops.map((hop, i) => (
              <li key={i} class={hop.used ? "used" : ""}>
                {isAlias(hop.callsign) ? visible(hop.callsign) : <StationLink name={hop.callsign} />}
                <span class="visually-hidden"> {t(hop.used ? "card.path.used" : "card.path.unused")}</span>
              </li>
            ))}
            {igate !== undefined && <li class="igate"><StationLink name={igate} /></li>}
          </ol>
        </Row>
      )}
      {model !== "" && <Row title={t("card.device")}>{model}{device?.class !== undefined && <span class="faint"> · {deviceClass(device.class)}</span>}</Row>}
      {phg !== undefined && (
        <Row title={t("card.phg")}>
          {t("card.phg.value", {
            power: number(phg.power_w), height: height(phg.height_m, units.value), gain: number(phg.gain_db),
            direction: phg.directivity_deg === null ? t("card.phg.omni") : bearing(phg.directivity_deg),
          })}
        </Row>
      )}
      {range !== undefined && <Row title={t("card.range")}>{distance(range, units.value)}</Row>}
      {station.mic_e_message !== undefined && <Row title={t("card.mic_e")}>{station.mic_e_message}</Row>}
    </dl>
  );
}

function Packets({ name }: { name: string }) {
  const { data } = useAnswer<{ packets: PacketAnswer[] }>(`/api/v1/packets?name=${encodeURIComponent(name)}&limit=${PACKETS}`, ANEW_MS);
  const packets = Array.isArray(data?.packets) ? data.packets : [];
  if (packets.length === 0) return null;
  return (
    <Section id="packets" title={p("info.packets")}>
      <ul class="brief">
        {packets.map((one) => (
          <li key={one.id}>
            <time dateTime={one.received_at} title={one.received_at}>{one.received_at.slice(11, 19)}Z</time>
            <span class="badge" data-verdict={one.verdict}>{word("kind", one.kind)}</span>
            <code dir="ltr">{visible(one.raw)}</code>
          </li>
        ))}
      </ul>
      <a href={pagePath("packets", name)}>{p("info.packets.all")}</a>
    </Section>
  );
}

function Line({ one, far }: { one: Summary; far?: Near }) {
  return (
    <li class="line">
      {one.symbol === undefined ? <span class="symbol" aria-hidden="true" /> : <SymbolImage symbol={one.symbol} />}
      <StationLink name={one.name} kind={one.kind} />
      <span class="more">
        {far !== undefined && <span class="way"><CourseArrow deg={far.bearing_deg} /> {distance(far.distance_km, units.value)} {bearing(far.bearing_deg)}</span>}
        <span class="age"><Ago at={one.last_heard} /></span>
      </span>
    </li>
  );
}

/** Asked once for each name or place; the page is whole without the answer. */
function useOnce<T>(ask: (signal: AbortSignal) => Promise<T[]>, key: string): T[] {
  const [found, setFound] = useState<{ key: string; list: T[] }>({ key, list: [] });
  useEffect(() => {
    const request = new AbortController();
    ask(request.signal).then((list) => setFound({ key, list }), () => {});
    return () => request.abort();
  }, [key]);
  return found.key === key ? found.list : [];
}

function Others({ name }: { name: string }) {
  const others = useOnce(async (signal) => othersOf(name, (await search(callsignOf(name), 30, signal)).results), name);
  if (others.length === 0) return null;
  return <Section id="others" title={t("card.others")}><ul class="rows">{others.map((one) => <Line key={one.name} one={one} />)}</ul></Section>;
}

function Nearest({ station }: { station: StationDetail }) {
  const { latitude: lat, longitude: lng, name, kind } = station;
  // A hundred metres make no other neighbours.
  const key = lat === undefined || lng === undefined ? "" : `${lat.toFixed(3)} ${lng.toFixed(3)}`;
  const found = useOnce(async (signal) => (lat === undefined || lng === undefined ? [] : near({ lat, lng }, NEAR + 1, signal)), key);
  const others = found.filter((one) => one.name !== name || one.kind !== kind).slice(0, NEAR);
  if (others.length === 0) return null;
  return <Section id="nearest" title={t("near.title")}><ul class="rows">{others.map((one) => <Line key={`${one.kind} ${one.name}`} one={one} far={one} />)}</ul></Section>;
}

function Station({ name }: { name: string }) {
  const kind = kindOfAddress();
  const answer = useAnswer<StationDetail>(`/api/v1/stations/${encodeURIComponent(name)}${kind === undefined ? "" : `?kind=${kind}`}`, ANEW_MS);
  const station = answer.data;
  return (
    <>
      <header class="station-head">
        {station?.symbol !== undefined && <SymbolImage symbol={station.symbol} large />}
        <div>
          <h1 dir="auto">{visible(name)}</h1>
          {station !== null && (
            <p class="faint">
              {symbolAndKind(station.symbol, station.kind)}
              {station.owner !== undefined && <> · <StationLink name={station.owner} /></>} · <Ago at={station.last_heard} />
            </p>
          )}
        </div>
      </header>
      <NamePages name={name} kind={kind} page="info" />
      <Waiting answer={answer} missing={t("card.missing", { name: visible(name) })} />
      {station !== null && (
        <>
          {station.comment !== undefined && <p class="comment" dir="auto">{visible(station.comment)}</p>}
          {station.status !== undefined && <p class="faint">{t("card.status")}: <span dir="auto">{visible(station.status)}</span></p>}
          <div class="columns">
            <Section id="where" title={t("card.position")}><Where station={station} /></Section>
            <Section id="radio" title={p("info.radio")}><Radio station={station} /></Section>
            {station.weather !== undefined && (
              <Section id="weather" title={p("title.weather")}>
                <WeatherValues weather={station.weather} />
                <a href={pagePath("weather", name, station.kind)}>{p("info.weather.more")}</a>
              </Section>
            )}
            {station.telemetry !== undefined && (
              <section class="box">
                <TelemetryValues telemetry={station.telemetry} />
                <a href={pagePath("weather", name, station.kind)}>{p("info.telemetry.more")}</a>
              </section>
            )}
            <Section id="times" title={p("info.activity")}>
              <dl>
                <Row title={t("card.last_heard")}><p class="moment">{moment(Date.parse(station.last_heard))}</p></Row>
                {station.first_heard !== undefined && <Row title={t("card.first_heard")}><p class="moment">{moment(Date.parse(station.first_heard))}</p></Row>}
              </dl>
            </Section>
          </div>
          <section class="box raw">
            <h2>{t("card.raw")}</h2>
            <code dir="ltr">{visible(station.raw)}</code>
            <div class="actions">
              <CopyButton label={t("card.copy")} text={() => station.raw} />
              <ShareButton title={name} url={() => location.href} />
            </div>
          </section>
          {station.kind === "station" && <HeardTables name={name} />}
          <Packets name={name} />
          <div class="columns">
            {station.kind === "station" && <Others name={name} />}
            <Nearest station={station} />
          </div>
        </>
      )}
    </>
  );
}

export function Info({ name }: PageProps) {
  if (name !== null) return <Station name={name} />;
  return (
    <>
      <h1>{p("title.info")}</h1>
      <p class="lead">{p("info.lead")}</p>
      <NameForm page="info" label={p("name.ask")} />
    </>
  );
}
