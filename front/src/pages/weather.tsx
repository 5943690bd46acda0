/** `/weather/NAME`: what a station measured, now and over time; and its telemetry. */
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { Choice } from "../ui/choice";
import { bearing, moment, pressure, rain, temperature, windSpeed } from "../ui/format";
import { type TextKey, number, t } from "../ui/i18n";
import { WeatherValues } from "../ui/panels/weather";
import { units } from "../ui/units";
import { visible } from "../ui/visible";
import { serverNow, useAnswer } from "./answer";
import { Chart, type Series } from "./chart";
import type { PageProps } from "./frame";
import { Ago, NameForm, NamePages, Section, Waiting, kindOfAddress, writeQuery } from "./parts";
import { dewPoint, shownIn } from "./quantities";
import { TelemetryCharts } from "./telemetry";
import { p } from "./texts";

const HOUR = 3_600_000;
/** How far back, and of how many seconds one report is left: some hundred points a chart. */
export const RANGES = { "24h": { ms: 24 * HOUR, every: 0 }, "48h": { ms: 48 * HOUR, every: 300 }, "7d": { ms: 168 * HOUR, every: 900 }, "30d": { ms: 720 * HOUR, every: 3600 } } as const;
export type Range = keyof typeof RANGES;
const NAMES = Object.keys(RANGES) as Range[];
const ANEW_MS = 60_000;
/** Rows of the table: of more, some are left out evenly. */
const MOST_ROWS = 400;

type Report = { received_at: string } & { readonly [field: string]: number | string | undefined };

interface WeatherAnswer {
  reports: Report[];
  truncated: boolean;
}

/** A whole minute: what is asked twice within one is the same question. */
function sinceOf(range: Range): string {
  return new Date(Math.floor((serverNow() - RANGES[range].ms) / 60_000) * 60_000).toISOString();
}

const value = (report: Report, field: string): number | null => {
  const found = report[field];
  return typeof found === "number" && Number.isFinite(found) ? found : null;
};

/** What to ask from, moving on each minute while somebody looks. */
export function useSince(range: Range): string {
  const [since, setSince] = useState({ range, at: sinceOf(range) });
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setSince({ range, at: sinceOf(range) });
    }, ANEW_MS);
    return () => clearInterval(timer);
  }, [range]);
  return since.range === range ? since.at : sinceOf(range);
}

function Charts({ reports, range }: { reports: readonly Report[]; range: Range }) {
  const at = useSignal<number | null>(null);
  const unit = units.value;
  const times = reports.map((one) => Date.parse(one.received_at));
  const until = serverNow();
  const common = { times, from: until - RANGES[range].ms, until, at };
  const column = (field: string, into: (v: number) => number = (v) => v) => reports.map((one) => {
    const found = value(one, field);
    return found === null ? null : into(found);
  });
  const [warm, wind, air, wet] = [shownIn("temperature", unit), shownIn("wind", unit), shownIn("pressure", unit), shownIn("rain", unit)];
  /** What a chart shows is in the unit that is read out already. */
  const shown = (field: string, into: (v: number) => number, symbol: string, digits: number, more: Partial<Series> = {}): Series => ({
    label: t(`weather.${field}` as TextKey), values: column(field, into), read: (v) => `${number(v, digits, symbol === "hPa")} ${symbol}`, ...more,
  });
  const dew = reports.map((one) => {
    const [celsius, humidity] = [value(one, "temperature_c"), value(one, "humidity_percent")];
    const point = celsius === null || humidity === null ? null : dewPoint(celsius, humidity);
    return point === null ? null : warm.into(point);
  });
  const same = (v: number) => v;
  const warmDigits = unit.temperature === "f" ? 0 : 1;
  const wetDigits = unit.rain === "in" ? 2 : 1;
  return (
    <div class="charts">
      <Chart {...common} title={t("weather.temperature_c")} unit={warm.unit} series={[
        shown("temperature_c", warm.into, warm.unit, warmDigits),
        { label: p("weather.dew"), values: dew, read: (v) => `${number(v, warmDigits)} ${warm.unit}` },
      ]} />
      <Chart {...common} title={t("weather.humidity_percent")} unit="%" series={[shown("humidity_percent", same, "%", 0)]} />
      <Chart {...common} title={t("weather.pressure_hpa")} unit={air.unit} series={[shown("pressure_hpa", air.into, air.unit, unit.pressure === "hpa" ? 1 : unit.pressure === "inhg" ? 2 : 0)]} />
      <Chart {...common} title={t("weather.wind_speed_ms")} unit={wind.unit} zero winds={column("wind_direction_deg")} series={[
        shown("wind_speed_ms", wind.into, wind.unit, 1), shown("wind_gust_ms", wind.into, wind.unit, 1),
      ]} />
      <Chart {...common} title={p("weather.rain")} unit={wet.unit} zero series={[
        shown("rain_1h_mm", wet.into, wet.unit, wetDigits, { bars: true }), shown("rain_24h_mm", wet.into, wet.unit, wetDigits),
        shown("rain_midnight_mm", wet.into, wet.unit, wetDigits),
      ]} />
      <Chart {...common} title={t("weather.snow_24h_mm")} unit={wet.unit} zero series={[shown("snow_24h_mm", wet.into, wet.unit, wetDigits)]} />
      <Chart {...common} title={t("weather.luminosity_wm2")} unit="W/m²" zero series={[shown("luminosity_wm2", same, "W/m²", 0)]} />
      <Chart {...common} title={t("weather.radiation_nsvh")} unit="nSv/h" series={[shown("radiation_nsvh", same, "nSv/h", 0)]} />
      <Chart {...common} title={p("weather.indoor")} unit={warm.unit} series={[shown("indoor_temperature_c", warm.into, warm.unit, warmDigits)]} />
    </div>
  );
}

const COLUMNS: readonly [string, (v: number) => string][] = [
  ["temperature_c", (v) => temperature(v, units.value)],
  ["humidity_percent", (v) => `${number(v)} %`],
  ["pressure_hpa", (v) => pressure(v, units.value)],
  ["wind_direction_deg", bearing],
  ["wind_speed_ms", (v) => windSpeed(v, units.value)],
  ["wind_gust_ms", (v) => windSpeed(v, units.value)],
  ["rain_1h_mm", (v) => rain(v, units.value)],
  ["rain_24h_mm", (v) => rain(v, units.value)],
  ["rain_midnight_mm", (v) => rain(v, units.value)],
  ["snow_24h_mm", (v) => rain(v, units.value)],
  ["luminosity_wm2", (v) => `${number(v)} W/m²`],
];

/** The same as numbers, newest first. */
function Table({ reports }: { reports: readonly Report[] }) {
  const open = useSignal(false);
  const columns = COLUMNS.filter(([field]) => reports.some((one) => value(one, field) !== null));
  const step = Math.ceil(reports.length / MOST_ROWS);
  const rows = open.value ? reports.filter((_, i) => (reports.length - 1 - i) % step === 0).reverse() : [];
  return (
    <details class="as-table" onToggle={(event) => {
      open.value = event.currentTarget.open;
    }}>
      <summary>{p("weather.table")}</summary>
      {/* Wider than a phone: it scrolls by itself, by the keyboard too. */}
      <div class="wide" tabIndex={0} role="region" aria-label={p("weather.table")}>
        <table>
          <thead>
            <tr><th scope="col">{p("time")}</th>{columns.map(([field]) => <th scope="col" key={field}>{t(`weather.${field}` as TextKey)}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <tr key={one["id"] as string}>
                <th scope="row">{moment(Date.parse(one.received_at)).split("\n")[1]}</th>
                {columns.map(([field, read]) => {
                  const found = value(one, field);
                  return <td key={field}>{found === null ? "" : read(found)}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Report({ name }: { name: string }) {
  const kind = kindOfAddress();
  const asked = new URLSearchParams(location.search).get("range");
  const range = useSignal<Range>(NAMES.find((one) => one === asked) ?? "24h");
  useEffect(() => writeQuery({ range: range.value === "24h" ? "" : range.value }), [range.value]);
  const query = new URLSearchParams({ since: useSince(range.value), limit: "10000", ...(kind !== undefined && { kind }) });
  if (RANGES[range.value].every > 0) query.set("every", String(RANGES[range.value].every));
  const answer = useAnswer<WeatherAnswer>(`/api/v1/stations/${encodeURIComponent(name)}/weather?${query}`);
  // A minute later the question is another one; what was drawn stays until it is answered.
  const kept = useSignal<{ of: string; reports: Report[] } | null>(null);
  const of = `${name} ${range.value}`;
  if (answer.data !== null && Array.isArray(answer.data.reports) && kept.peek()?.reports !== answer.data.reports) kept.value = { of, reports: answer.data.reports };
  const reports = kept.value?.of === of ? kept.value.reports : null;
  const last = reports?.at(-1);
  return (
    <>
      <Choice name="range" title={p("weather.range")} options={NAMES} chosen={range} text={(one) => p(`range.${one}`)} />
      {(reports === null || answer.trouble !== null) && <Waiting answer={answer} missing={t("card.missing", { name })} />}
      {reports !== null && reports.length === 0 && <p class="note">{p("weather.none")}</p>}
      {last !== undefined && reports !== null && (
        <>
          <Section id="latest" title={p("weather.latest")}>
            <p class="faint"><Ago at={last.received_at} /> · {moment(Date.parse(last.received_at)).split("\n")[0]}</p>
            <WeatherValues weather={last} />
          </Section>
          <Charts reports={reports} range={range.value} />
          {answer.data?.truncated === true && <p class="faint">{p("weather.cut")}</p>}
          <Table reports={reports} />
        </>
      )}
      <TelemetryCharts name={name} kind={kind} range={range.value} />
    </>
  );
}

export function Weather({ name }: PageProps) {
  return (
    <>
      <h1 dir="auto">{name === null ? p("title.weather") : visible(name)}</h1>
      {name === null ? (
        <>
          <p class="lead">{p("weather.lead")}</p>
          <NameForm page="weather" label={p("name.ask")} />
        </>
      ) : (
        <>
          <NamePages name={name} kind={kindOfAddress()} page="weather" />
          <Report name={name} />
        </>
      )}
    </>
  );
}
