/** Who heard a station directly on radio, and whom it heard. */
import { distance } from "../ui/format";
import { locale, number } from "../ui/i18n";
import { units } from "../ui/units";
import { useAnswer } from "./answer";
import { Section, StationLink } from "./parts";
import { many, p } from "./texts";

const DAYS = 30;
const MOST = 50;
const ANEW_MS = 300_000;

interface Heard {
  name: string;
  packets: number;
  longest_km?: number;
  /** UTC, as 2026-11-28. */
  last_day: string;
}

function shortDay(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? day : new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", timeZone: "UTC" }).format(date);
}

function Table({ name, side }: { name: string; side: "heard_by" | "heard" }) {
  const { data } = useAnswer<{ stations: Heard[]; truncated: boolean }>(`/api/v1/stations/${encodeURIComponent(name)}/heard?side=${side}&days=${DAYS}&limit=${MOST}`, ANEW_MS);
  const rows = Array.isArray(data?.stations) ? data.stations : [];
  if (rows.length === 0) return null;
  return (
    <Section id={`side-${side}`} title={p(`sides.${side}`, { name })}>
      <p class="faint">{many("heard.days", DAYS)}</p>
      <div class="wide" tabIndex={0} role="group" aria-label={p(`sides.${side}`, { name })}>
        <table>
          <thead>
            <tr>
              <th scope="col">{p("heard.station")}</th><th scope="col" class="count">{p("heard.packets")}</th>
              <th scope="col" class="count">{p("heard.longest")}</th><th scope="col">{p("heard.last")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <tr key={one.name}>
                <th scope="row"><StationLink name={one.name} /></th>
                <td class="count">{number(one.packets)}</td>
                <td class="count">{one.longest_km === undefined ? "" : distance(one.longest_km, units.value)}</td>
                <td><time dateTime={one.last_day}>{shortDay(one.last_day)}</time></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {data?.truncated === true && <p class="faint">{p("heard.cut", { count: MOST })}</p>}
    </Section>
  );
}

export function HeardTables({ name }: { name: string }) {
  return <div class="columns"><Table name={name} side="heard_by" /><Table name={name} side="heard" /></div>;
}
