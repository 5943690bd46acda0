/** The telemetry of a station over time: by the names, units and equations that it sent, or as it came. */
import { useSignal } from "@preact/signals";
import { number, t } from "../ui/i18n";
import { visible } from "../ui/visible";
import { serverNow, useAnswer } from "./answer";
import { Chart } from "./chart";
import { Ago, Section } from "./parts";
import { p } from "./texts";
import { RANGES, type Range, useSince } from "./weather";

const CHANNELS = 5;
/** Enough for a chart of a day; of more days the newest. */
const MOST_REPORTS = 5000;

interface Named {
  name?: string;
  unit?: string;
  equation?: number[];
}

interface TelemetryAnswer {
  channels: Named[];
  bits: Named[];
  bit_sense?: string;
  project?: string;
  reports: { id: string; received_at: string; values: (number | null)[]; bits?: string; sequence?: number }[];
  truncated: boolean;
}

export function TelemetryCharts({ name, kind, range }: { name: string; kind: string | undefined; range: Range }) {
  const at = useSignal<number | null>(null);
  const query = new URLSearchParams({ since: useSince(range), limit: String(MOST_REPORTS), ...(kind !== undefined && { kind }) });
  const { data } = useAnswer<TelemetryAnswer>(`/api/v1/stations/${encodeURIComponent(name)}/telemetry?${query}`);
  const kept = useSignal<TelemetryAnswer | null>(null);
  if (Array.isArray(data?.reports) && kept.peek() !== data) kept.value = data;
  const answer = kept.value;
  const last = answer?.reports.at(-1);
  if (answer === null || last === undefined) return null;
  const times = answer.reports.map((one) => Date.parse(one.received_at));
  const until = serverNow();
  const channels = Array.from({ length: CHANNELS }, (_, i) => {
    const { name: said, unit: sent = "", equation } = answer.channels[i] ?? {};
    const unit = visible(sent);
    const label = said !== undefined ? visible(said) : t("card.telemetry.channel", { number: i + 1 });
    const values = answer.reports.map((one) => one.values[i] ?? null);
    const whole = values.every((one) => one === null || Number.isInteger(one));
    return { label, unit, values, equation, read: (v: number) => `${number(v, whole ? 0 : 2)} ${unit}`.trim() };
  });
  const equations = channels.some((one) => one.equation !== undefined);
  const bits = [...(last.bits ?? "")];
  return (
    <Section id="telemetry" title={p("telemetry.title")}>
      <p class="faint">
        {answer.project !== undefined && <><span dir="auto">{visible(answer.project)}</span> · </>}
        <Ago at={last.received_at} /> · {p(equations ? "telemetry.by_equations" : "telemetry.raw")}
      </p>
      <div class="charts">
        {channels.map((one, i) => (
          <Chart key={i} title={one.label} unit={one.unit} times={times} from={until - RANGES[range].ms} until={until} at={at} series={[one]} />
        ))}
      </div>
      {bits.length > 0 && (
        <ul class="bits" aria-label={t("card.telemetry.bits")}>
          {bits.map((bit, i) => {
            const { name: said, unit } = answer.bits[i] ?? {};
            const on = answer.bit_sense === undefined ? bit === "1" : bit === answer.bit_sense[i];
            return <li key={i} data-on={on}><span dir="auto">{visible(said ?? `B${i + 1}`)}</span> {unit !== undefined && on ? <span dir="auto">{visible(unit)}</span> : on ? "1" : "0"}</li>;
          })}
        </ul>
      )}
      {answer.truncated && <p class="faint">{p("weather.cut")}</p>}
    </Section>
  );
}
