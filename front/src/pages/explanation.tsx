/** What every byte of a packet means: the line in its parts, and each part in words. Everything from the air is text. */
import { useSignal } from "@preact/signals";
import { CopyButton } from "../ui/panels/copy";
import { t, worded } from "../ui/i18n";
import { symbolName } from "../ui/symbolnames";
import { visible } from "../ui/visible";
import { useAnswer } from "./answer";
import { meaningOf, remarkOf, valueOf } from "./fields";
import { Ago, StationLink, Waiting } from "./parts";
import { p, word } from "./texts";

interface Span {
  start: number;
  end: number;
  field: string;
  text: string;
  value?: string;
  meaning: string;
  warnings?: { code: string; message: string }[];
}

export interface PacketAnswer {
  id: string;
  received_at: string;
  source?: string;
  kind: string;
  raw: string;
  verdict: string;
  reason?: string;
  /** The reason as a sentence, in English. */
  message?: string;
  heard?: string;
  hops?: { callsign: string; role: string; used: boolean }[];
  error?: { code: string; message: string; offset: number };
  explanation?: Span[];
}

function Way({ packet }: { packet: PacketAnswer }) {
  const { hops = [], heard } = packet;
  if (heard === undefined) return null;
  return (
    <div class="way-of">
      <p>{word("heard", heard)}</p>
      <ol class="path">
        {hops.map((hop, i) => (
          <li key={i} class={hop.role === "igate" ? "igate" : hop.used ? "used" : ""}>
            {/^(WIDE|TRACE|RELAY)\d?(-\d)?$/.test(hop.callsign) ? visible(hop.callsign) : <StationLink name={hop.callsign} />}
            <span class="visually-hidden"> {word("role", hop.role)}{!hop.used && `, ${t("card.path.unused")}`}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** Separators between two parts need no line of their own. */
const worthALine = (span: Span) => span.field !== "separator" || span.warnings !== undefined;

function Meaning({ of }: { of: Span }) {
  const said = meaningOf(of.field, of.meaning);
  return said === null ? <span lang="en">{of.meaning}</span> : <>{said}</>;
}

/** A value in words. What kind of packet it is and what a symbol shows have names elsewhere. */
function Value({ of, among }: { of: Span; among: readonly Span[] }) {
  const { field, value = "" } = of;
  if (field === "data_type") return <>{word("kind", value)}</>;
  if (field === "destination") return <>{value.split(", ").map((part) => worded("card.mic_e", part.replaceAll(" ", "_"), valueOf(part))).join(", ")}</>;
  if (field === "symbol_code") {
    const table = among.find((span) => span.field === "symbol_table")?.text ?? "";
    // A compressed position writes the overlays 0 to 9 as a to j.
    const digit = "abcdefghij".indexOf(table);
    return <>{symbolName({ table: table !== "" && digit >= 0 ? String(digit) : table, code: of.text }) || value}</>;
  }
  return <>{visible(valueOf(value))}</>;
}

/** A remark of the parser. */
export function Remark({ code, message }: { code: string; message: string }) {
  const said = remarkOf(code);
  return said === null ? <span lang="en">{message}</span> : <>{said}</>;
}

export function Explanation({ id, raw }: { id: string; raw: string }) {
  const answer = useAnswer<PacketAnswer>(`/api/v1/packets/${encodeURIComponent(id)}`);
  const lit = useSignal(-1);
  const packet = answer.data;
  const spans = packet?.explanation ?? [];
  const light = (at: number) => ({
    onPointerEnter: () => {
      lit.value = at;
    },
    onPointerLeave: () => {
      lit.value = -1;
    },
  });
  return (
    <div class="explanation">
      <code class="line-of" dir="ltr">
        {spans.length === 0 ? visible(raw) : spans.map((span, at) => (
          <span key={at} class={worthALine(span) ? "part" : ""} data-lit={lit.value === at} {...light(at)}>{visible(span.text)}</span>
        ))}
      </code>
      <Waiting answer={answer} missing={p("packet.gone")} />
      {packet?.error !== undefined && <p class="note"><strong>{p("packet.error")}</strong> <Remark {...packet.error} /></p>}
      {packet !== null && (
        <>
          <p class="faint"><Ago at={packet.received_at} /> · {packet.received_at.replace("T", " ").replace("Z", " UTC")}</p>
          <Way packet={packet} />
        </>
      )}
      {spans.length > 0 && (
        <table>
          <caption class="visually-hidden">{p("explain.caption")}</caption>
          <thead>
            <tr><th scope="col">{p("explain.bytes")}</th><th scope="col">{p("explain.text")}</th><th scope="col">{p("explain.value")}</th><th scope="col">{p("explain.meaning")}</th></tr>
          </thead>
          <tbody>
            {spans.map((span, at) => worthALine(span) && (
              <tr key={at} data-lit={lit.value === at} {...light(at)}>
                <td class="bytes">{span.end - span.start === 1 ? span.start : `${span.start}–${span.end - 1}`}</td>
                <td><code dir="ltr">{visible(span.text)}</code></td>
                <td><bdi><Value of={span} among={spans} /></bdi></td>
                <td>
                  <Meaning of={span} />
                  {span.warnings?.map((one) => <span key={one.code} class="warning"> <Remark {...one} /></span>)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div class="actions">
        <CopyButton label={t("card.copy")} text={() => raw} />
        <a class="action" href={`/api/v1/packets/${encodeURIComponent(id)}`}>JSON</a>
      </div>
    </div>
  );
}
