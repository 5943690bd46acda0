/** How many packets came in each hour of the last days. */
import { useSignal } from "@preact/signals";
import { number } from "../ui/i18n";
import { serverNow, useAnswer } from "./answer";
import { Chart } from "./chart";
import { Section } from "./parts";
import { p, word } from "./texts";

const HOUR = 3_600_000;
const HOURS = 72;
const ANEW_MS = 60_000;

interface Hour {
  hour: string;
  accepted: number;
  duplicate: number;
  implausible: number;
  bad: number;
}

export function Hours() {
  const at = useSignal<number | null>(null);
  const until = Math.ceil(serverNow() / HOUR) * HOUR;
  const since = new Date(until - HOURS * HOUR).toISOString();
  const { data } = useAnswer<{ hours: Hour[] }>(`/api/v1/packets/hours?since=${since}`, ANEW_MS);
  const hours = Array.isArray(data?.hours) ? data.hours : [];
  if (hours.length === 0) return null;
  const series = [
    { label: word("count", "stored"), values: hours.map((one) => one.accepted + one.implausible) },
    { label: word("count", "duplicates"), values: hours.map((one) => one.duplicate) },
    { label: word("count", "bad"), values: hours.map((one) => one.bad) },
  ];
  return (
    <Section id="hours" title={p("status.hours")}>
      {/* A bar stands in the middle of its hour. */}
      <Chart title={p("status.hours")} unit="" zero from={until - HOURS * HOUR} until={until} at={at}
        times={hours.map((one) => Date.parse(one.hour) + HOUR / 2)}
        series={series.map((one, i) => ({ ...one, bars: i === 0, read: (v: number) => number(v) }))} />
    </Section>
  );
}
