/**
 * The card of a station, object or item: beside the map on a wide screen, a sheet from below on a phone. What the stream
 * knows is there at once, the rest follows from `/api/v1/stations/{name}`. Everything from the air is drawn as text.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { StationDetail } from "./api";
import { copyText } from "./clipboard";
import { Age } from "./clock";
import { ambiguityKm, bearing, distance, height, latLng, locator, moment, speed } from "./format";
import { number, t } from "./i18n";
import { CourseArrow, Icon } from "./icons";
import { type Page, type Selection, fromMercator } from "./page";
import { units } from "./settings";
import { useSheet } from "./sheet";
import { SymbolImage } from "./symbol";
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

function Row({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="row">
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function CopyButton({ text, label, icon }: { text: () => string; label: string; icon: "copy" | "link" }) {
  const done = useSignal<boolean | null>(null);
  const copy = async () => {
    done.value = await copyText(text());
    setTimeout(() => {
      done.value = null;
    }, 2000);
  };
  const said = done.value === null ? label : t(done.value ? "card.copied" : "card.copy.failed");
  return (
    <button type="button" class="action" onClick={() => void copy()}>
      <Icon name={done.value === true ? "check" : icon} />
      <span role="status">{said}</span>
    </button>
  );
}

/** How many elements of the path are about radio: those before the q construct; the igate after it has its own place. */
function radioHops(station: StationDetail): number {
  const q = station.path.findIndex((hop) => hop.callsign === station.q_construct);
  return q < 0 ? station.path.length : q;
}

function Path({ page, station }: { page: Page; station: StationDetail }) {
  return (
    <Row title={t("card.path")}>
      <p>{t(`card.path.${station.heard}`)}{station.q_construct !== undefined && (
        <span class="faint"> · {t("card.path.via", { q: station.q_construct })}</span>
      )}
      </p>
      <ol class="path">
        {station.path.slice(0, radioHops(station)).map((hop, i) => (
          <li key={i} class={hop.used ? "used" : ""} title={t(hop.used ? "card.path.used" : "card.path.unused")}>
            {hop.callsign}
            <span class="visually-hidden"> {t(hop.used ? "card.path.used" : "card.path.unused")}</span>
          </li>
        ))}
        {station.igate !== undefined && (
          <li class="igate">
            <button
              type="button"
              class="text"
              title={t("card.path.igate")}
              onClick={() => page.open({ name: station.igate as string, kind: "station" }, true)}
            >
              {station.igate}
            </button>
          </li>
        )}
      </ol>
    </Row>
  );
}

function Values({ page, station }: { page: Page; station: Partial<StationDetail> }) {
  const unit = units.value;
  const { latitude, longitude, ambiguity = 0, phg, device } = station;
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
      <dl>
        {station.status !== undefined && <Row title={t("card.status")}><span dir="auto">{station.status}</span></Row>}
        {latitude !== undefined && longitude !== undefined && (
          <Row title={t("card.position")}>
            <p>{latLng(latitude, longitude, ambiguity)}</p>
            <p class="faint">{t("card.locator")} {locator(latitude, longitude, ambiguity > 2 ? 4 : 6)}</p>
            {ambiguity > 0 && <p class="faint">{t("card.ambiguity", { distance: distance(ambiguityKm(ambiguity), unit) })}</p>}
          </Row>
        )}
        {station.path !== undefined && station.heard !== undefined && <Path page={page} station={station as StationDetail} />}
        {model !== "" && (
          <Row title={t("card.device")}>{model}{device?.class !== undefined && <span class="faint"> · {device.class}</span>}</Row>
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
        {station.first_heard !== undefined && (
          <Row title={t("card.first_heard")}>
            <span title={moment(Date.parse(station.first_heard))}><Age page={page} atMs={Date.parse(station.first_heard)} /></span>
          </Row>
        )}
      </dl>
    </>
  );
}

export function Card({ page, selection }: { page: Page; selection: Selection }) {
  const detail = page.detail.value;
  const loaded = detail.kind === "loaded" ? detail.station : null;
  const live = fromStream(page);
  const loadedMs = loaded === null ? 0 : Date.parse(loaded.last_heard) || 0;
  const liveMs = live.heardMs ?? 0;
  // The details are exact, the stream rounds to its tile and to 2 s; but the stream moves first.
  const shown: Partial<StationDetail> = liveMs > loadedMs + 2000 ? { ...loaded, ...live } : { ...live, ...loaded };
  const heardMs = Math.max(liveMs > loadedMs + 2000 ? liveMs : 0, loadedMs) || liveMs;
  const Trail = page.extras.value?.CardSection;
  const title = useRef<HTMLHeadingElement>(null);
  const sheet = useSheet(() => page.close());

  useEffect(() => {
    // preventScroll: the sheet slides in, the page must not jump.
    title.current?.focus({ preventScroll: true });
  }, [selection.name, selection.kind]);

  return (
    <aside class="card panel" aria-labelledby="card-title" ref={sheet.box} data-tall={sheet.tall.value}>
      <div class="grip" {...sheet.handle} aria-hidden="true" />
      <header>
        {shown.symbol !== undefined && <SymbolImage symbol={shown.symbol} large />}
        <div class="who">
          <h2 id="card-title" ref={title} tabIndex={-1} dir="auto">{selection.name}</h2>
          <p class="faint">
            {loaded?.symbol_name !== undefined && <>{loaded.symbol_name} · </>}
            {t(`card.kind.${selection.kind}`)}
            {loaded?.owner !== undefined && <> {t("card.by", { owner: loaded.owner })}</>}
          </p>
          {heardMs > 0 && <p class="heard"><Age page={page} atMs={heardMs} /></p>}
        </div>
        <button type="button" class="quiet" aria-label={t("close")} title={t("close")} onClick={() => page.close()}>
          <Icon name="close" />
        </button>
      </header>
      <div class="body">
        {shown.comment !== undefined && shown.comment !== "" && <p class="comment" dir="auto">{shown.comment}</p>}
        {detail.kind === "missing" && <p class="note">{t("card.missing", { name: selection.name })}</p>}
        {detail.kind === "failed" && (
          <p class="note">
            {t("card.failed", { reason: detail.reason })}{" "}
            <button type="button" class="text" onClick={() => page.refetch()}>{t("card.retry")}</button>
          </p>
        )}
        <Values page={page} station={shown} />
        {Trail !== undefined && <Trail />}
        {detail.kind === "loading" && <p class="faint loading">{t("card.loading")}</p>}
        {loaded !== null && (
          <section class="raw">
            <h3>{t("card.raw")}</h3>
            <code dir="ltr">{loaded.raw}</code>
          </section>
        )}
        <div class="actions">
          {shown.latitude !== undefined && (
            <button type="button" class="action" onClick={() => page.centreSelected()}>
              <Icon name="pin" /><span>{t("card.centre")}</span>
            </button>
          )}
          <CopyButton icon="link" label={t("card.link")} text={() => page.link()} />
          {loaded !== null && <CopyButton icon="copy" label={t("card.copy")} text={() => loaded.raw} />}
        </div>
      </div>
    </aside>
  );
}
