/**
 * The card of a station, object or item. What the stream knows is there at once, the rest follows from
 * `/api/v1/stations/{name}`. In time travel all of it is what the archive says of that moment: what the map shows there is
 * on its way between two positions. Everything from the air is drawn as text.
 */
import { pagePath } from "../../pages/address";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type StationDetail, sendsSeries } from "../api";
import { Age } from "../age";
import { deviceClass } from "../device";
import { ambiguityKm, bearing, distance, height, latLng, locator, moment, speed } from "../format";
import { way } from "../geo";
import { number, t } from "../i18n";
import { CourseArrow, Icon } from "../icons";
import { type Page, type Selection, fromMercator } from "../page";
import { units } from "../units";
import { SymbolImage } from "../symbol";
import { visible } from "../visible";
import { symbolAndKind } from "../symbolnames";
import { CopyButton, ShareButton } from "./copy";
import { useFollow } from "./follow";
import { OtherSsids } from "./others";
import { Path } from "./path";
import { Row } from "./rows";
import { Heading, SideFrame } from "./side";
import { TelemetryValues } from "./telemetry";
import { WeatherValues } from "./weather";

/** What is known of the entity from the stream alone. */
function fromStream(page: Page): Partial<StationDetail> & { heardMs?: number } {
  // The columns are no signals; their version is, and reading it draws the card anew when they change.
  const slot = page.slotVersion.value < 0 ? null : page.slot.value;
  const { entities } = page.world;
  if (slot === null) return {};
  const { lat, lng } = fromMercator(entities.x[slot] as number, entities.y[slot] as number);
  const kmh = entities.speedKmh[slot] as number;
  const course = entities.courseDeg[slot] as number;
  return {
    symbol: {
      table: String.fromCharCode(entities.symbolTable[slot] as number),
      code: String.fromCharCode(entities.symbolCode[slot] as number),
    },
    latitude: lat,
    longitude: lng,
    ambiguity: ((entities.flags[slot] as number) >> 4) & 7,
    ...(Number.isNaN(kmh) ? {} : { speed_kmh: kmh }),
    ...(course === 0xffff ? {} : { course_deg: course }),
    heardMs: (entities.heardS[slot] as number) * 1000,
  };
}

function Position({ page, station }: { page: Page; station: Partial<StationDetail> }) {
  const { latitude, longitude, ambiguity = 0 } = station;
  const from = page.from.value;
  if (latitude === undefined || longitude === undefined) return null;
  const far = from === null ? null : way(from, { lat: latitude, lng: longitude });
  return (
    <Row title={t("card.position")}>
      <p>{latLng(latitude, longitude, ambiguity)}</p>
      <p class="faint">{t("card.locator")} {locator(latitude, longitude, ambiguity > 2 ? 4 : 6)}</p>
      {ambiguity > 0 && <p class="faint">{t("card.ambiguity", { distance: distance(ambiguityKm(ambiguity), units.value) })}</p>}
      {far !== null && (
        <p class="faint">{t("card.away", { distance: distance(far.km, units.value), bearing: bearing(far.deg) })}</p>
      )}
    </Row>
  );
}

function Times({ page, heardMs, first }: { page: Page; heardMs: number; first: string | undefined }) {
  const firstMs = first === undefined ? Number.NaN : Date.parse(first);
  if (!(heardMs > 0) && Number.isNaN(firstMs)) return null;
  return (
    <>
      {heardMs > 0 && <Row title={t("card.last_heard")}><p class="moment">{moment(heardMs)}</p></Row>}
      {!Number.isNaN(firstMs) && (
        <Row title={t("card.first_heard")}><span title={moment(firstMs)}><Age page={page} atMs={firstMs} /></span></Row>
      )}
    </>
  );
}

/** The standard messages of Mic-E (APRS 1.0.1, chapter 10). */
const MIC_E = ["off_duty", "en_route", "in_service", "returning", "committed", "special", "priority", "emergency", "unknown"] as const;

function micE(message: string): string {
  const known = MIC_E.find((one) => one === message);
  if (known !== undefined) return t(`card.mic_e.${known}`);
  const own = /^custom_(\d)$/.exec(message)?.[1];
  return own === undefined ? message : t("card.mic_e.custom", { number: own });
}

/** Whether there is anything to draw over time: weather or telemetry in the latest position, or in packets of their own. */
function useCharts(page: Page, selection: Selection, station: Partial<StationDetail>): boolean {
  const sends = useSignal(false);
  // Known by now: packets of its own are only asked for where nothing else says that there is something.
  const loaded = page.detail.value.kind === "loaded" && selection.kind === "station";
  const flagged = page.slot.value !== null && ((page.world.entities.flags[page.slot.value] as number) & 8) !== 0;
  const known = station.weather !== undefined || station.telemetry !== undefined || flagged;
  const ask = loaded && !known;
  useEffect(() => {
    sends.value = false;
    if (!ask) return;
    const request = new AbortController();
    sendsSeries(selection.name, request.signal).then(
      (found) => {
        if (!request.signal.aborted) sends.value = found;
      },
      // The card is whole without the link.
      () => {},
    );
    return () => request.abort();
  }, [selection.name, ask]);
  return known || sends.value;
}

function Values({ page, station, heardMs, charts }: { page: Page; station: Partial<StationDetail>; heardMs: number; charts: boolean }) {
  const unit = units.value;
  const { phg, device, range_km: range } = station;
  const model = [device?.vendor, device?.model].filter(Boolean).join(" ");
  return (
    <>
      {(station.speed_kmh !== undefined || station.altitude_m !== undefined || station.course_deg !== undefined) && (
        <dl class="figures">
          {station.speed_kmh !== undefined && <Row title={t("card.speed")}>{speed(station.speed_kmh, unit)}</Row>}
          {station.course_deg !== undefined && (
            <Row title={t("card.course")}><CourseArrow deg={station.course_deg} /> {bearing(station.course_deg)}</Row>
          )}
          {station.altitude_m !== undefined && <Row title={t("card.altitude")}>{height(station.altitude_m, unit)}</Row>}
        </dl>
      )}
      {station.weather !== undefined && <WeatherValues weather={station.weather} />}
      {station.telemetry !== undefined && <TelemetryValues telemetry={station.telemetry} />}
      {charts && station.name !== undefined && (
        <p class="charts-link"><a href={pagePath("weather", station.name, station.kind)}>{t("card.charts")}</a></p>
      )}
      <dl>
        {station.status !== undefined && <Row title={t("card.status")}><span dir="auto">{visible(station.status)}</span></Row>}
        {station.mic_e_message !== undefined && <Row title={t("card.mic_e")}>{micE(station.mic_e_message)}</Row>}
        <Position page={page} station={station} />
        {station.path !== undefined && station.heard !== undefined && <Path page={page} station={station as StationDetail} />}
        {model !== "" && (
          <Row title={t("card.device")}>{model}{device?.class !== undefined && <span class="faint"> · {deviceClass(device.class)}</span>}</Row>
        )}
        {phg !== undefined && (
          <Row title={t("card.phg")}>
            {t("card.phg.value", {
              power: number(phg.power_w),
              height: height(phg.height_m, unit),
              gain: number(phg.gain_db),
              direction: phg.directivity_deg === null ? t("card.phg.omni") : bearing(phg.directivity_deg),
            })}
          </Row>
        )}
        {range !== undefined && <Row title={t("card.range")}>{distance(range, unit)}</Row>}
        <Times page={page} heardMs={heardMs} first={station.first_heard} />
      </dl>
    </>
  );
}

function Actions({ page, selection, station, raw }: { page: Page; selection: Selection; station: Partial<StationDetail>; raw: string | null }) {
  const { latitude: lat, longitude: lng } = station;
  const marked = page.calls.value.includes(selection.name);
  const placed = lat !== undefined && lng !== undefined;
  return (
    <div class="actions">
      <a class="action" href={pagePath("info", selection.name, selection.kind)}><Icon name="info" /><span>{t("card.info")}</span></a>
      {placed && (
        <>
          <button type="button" class="action" aria-pressed={page.follow.value} onClick={() => page.setFollow(!page.follow.value)}>
            <Icon name="follow" /><span>{t("card.follow")}</span>
          </button>
          <button type="button" class="action" onClick={() => page.centreSelected()}>
            <Icon name="pin" /><span>{t("card.centre")}</span>
          </button>
          <button type="button" class="action" onClick={() => page.nearTo({ lat, lng })}>
            <Icon name="near" /><span>{t("card.near")}</span>
          </button>
        </>
      )}
      <button type="button" class="action" aria-pressed={marked}
        onClick={() => page.setCalls(marked ? page.calls.value.filter((one) => one !== selection.name) : [...page.calls.value, selection.name])}>
        <Icon name="mark" /><span>{t("card.mark")}</span>
      </button>
      <ShareButton title={selection.name} url={() => page.link({ calls: [], side: "" })} />
      {placed && <CopyButton label={t("card.copy.position")} text={() => `${lat.toFixed(5)}, ${lng.toFixed(5)}`} />}
      {raw !== null && <CopyButton label={t("card.copy")} text={() => raw} />}
    </div>
  );
}

export function Card({ page, selection }: { page: Page; selection: Selection }) {
  const Trail = page.extras.value?.CardSection;
  const detail = page.detail.value;
  const past = page.moment.value !== null;
  const loaded = detail.kind === "loaded" ? detail.station : null;
  const live = fromStream(page);
  const loadedMs = loaded === null ? 0 : Date.parse(loaded.last_heard) || 0;
  const liveMs = past ? 0 : (live.heardMs ?? 0);
  // The details are exact, the stream rounds to its tile and to 2 s; but the stream moves first.
  const newer = liveMs > loadedMs + 2000;
  const shown: Partial<StationDetail> = past ? { ...(live.symbol !== undefined && { symbol: live.symbol }), ...loaded }
    : newer ? { ...loaded, ...live } : { ...live, ...loaded };
  const heardMs = Math.max(newer ? liveMs : 0, loadedMs) || liveMs;
  const missing = detail.kind === "missing";
  useFollow(page, past ? { ...shown, ...live } : shown);
  const charts = useCharts(page, selection, shown);

  return (
    <SideFrame
      id="card-title"
      class="card"
      subject={`${selection.kind} ${selection.name}`}
      close={() => page.close()}
      head={(
        <>
          {shown.symbol !== undefined && <SymbolImage symbol={shown.symbol} large />}
          <div class="who">
            <Heading id="card-title">{visible(selection.name)}</Heading>
            <p class="faint">
              {symbolAndKind(shown.symbol, selection.kind)}
              {loaded?.owner !== undefined && <> {t("card.by", { owner: visible(loaded.owner) })}</>}
            </p>
            {heardMs > 0 && <p class="heard"><Age page={page} atMs={heardMs} /></p>}
          </div>
        </>
      )}
    >
      {page.follow.value && (
        <p class="following" role="status">
          <Icon name="follow" /><span>{t("card.following")}</span>
        </p>
      )}
      {shown.comment !== undefined && shown.comment !== "" && <p class="comment" dir="auto">{visible(shown.comment)}</p>}
      {missing && <p class="note">{t(past ? "card.missing.then" : "card.missing", { name: visible(selection.name) })}</p>}
      {detail.kind === "failed" && (
        <p class="note">
          {t("card.failed", { reason: detail.reason })}{" "}
          <button type="button" class="text" onClick={() => page.refetch()}>{t("card.retry")}</button>
        </p>
      )}
      <Values page={page} station={shown} heardMs={heardMs} charts={charts} />
      {Trail !== undefined && !missing && <Trail />}
      {detail.kind === "loading" && <p class="faint loading">{t("card.loading")}</p>}
      {loaded !== null && (
        <section class="raw">
          <h3>{t("card.raw")}</h3>
          <code dir="ltr">{visible(loaded.raw)}</code>
        </section>
      )}
      {!missing && <Actions page={page} selection={selection} station={shown} raw={loaded?.raw ?? null} />}
      {selection.kind === "station" && (selection.guess !== true || missing) && <OtherSsids page={page} name={selection.name} />}
    </SideFrame>
  );
}
