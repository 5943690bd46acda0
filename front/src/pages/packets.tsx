/** `/packets`, `/packets/NAME` and `/badpackets`: what comes in, newest first, each line open to its last byte. */
import { type Signal, batch, signal, useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../ui/icons";
import { t } from "../ui/i18n";
import { visible } from "../ui/visible";
import { NameForm, NamePages, StationLink, writeQuery } from "./parts";
import { ask, reason, serverNow } from "./answer";
import { Explanation, type PacketAnswer, Remark } from "./explanation";
import type { PageProps } from "./frame";
import { KINDS, type Listed, type PacketFilter, merge, packetsUrl } from "./list-of-packets";
import { many, p, word } from "./texts";

/** How often the list asks for what is new, and how far back each time: what is stored late is seen too. */
const EVERY_MS = 3000;
const BACK_MS = 10_000;
const AT_ONCE = 100;
const WRITTEN_AFTER_MS = 400;

interface Answered {
  packets: PacketAnswer[];
  next?: string;
}

class PacketList {
  readonly shown: Signal<readonly Listed[]> = signal([]);
  /** What came while the list stood still. */
  readonly waiting: Signal<readonly Listed[]> = signal([]);
  readonly trouble: Signal<string | null> = signal(null);
  readonly paused = signal(false);
  /** Of the oldest page; null when there is no older one. */
  readonly cursor: Signal<string | null> = signal(null);
  readonly busy = signal(true);
  private ended = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private askedAt = 0;
  private readonly name: string | null;
  private readonly verdict: string | undefined;

  constructor(name: string | null, verdict: string | undefined) {
    this.name = name;
    this.verdict = verdict;
  }

  /** Begins anew with a filter. */
  start(filter: PacketFilter): void {
    this.stop();
    this.ended = new AbortController();
    const { signal } = this.ended;
    batch(() => {
      this.shown.value = [];
      this.waiting.value = [];
      this.cursor.value = null;
      this.trouble.value = null;
      this.busy.value = true;
    });
    const first = async () => {
      const at = serverNow();
      const answer = await this.ask({ filter }, signal);
      this.askedAt = at;
      batch(() => {
        this.shown.value = merge([], answer.packets, false);
        this.cursor.value = answer.next ?? null;
      });
    };
    const newer = async () => {
      const at = serverNow();
      const answer = await this.ask({ filter, since: this.askedAt - BACK_MS }, signal);
      this.askedAt = at;
      this.take(answer);
    };
    const run = (what: () => Promise<void>) => {
      what().then(
        () => {
          this.trouble.value = null;
          this.busy.value = false;
        },
        (error: unknown) => {
          if (signal.aborted) return;
          this.trouble.value = reason(error);
          this.busy.value = false;
        },
      ).finally(() => {
        if (!signal.aborted) later();
      });
    };
    const later = () => {
      this.timer = setTimeout(() => (document.hidden ? later() : run(this.askedAt === 0 ? first : newer)), EVERY_MS);
    };
    this.askedAt = 0;
    run(first);
  }

  stop(): void {
    this.ended.abort();
    clearTimeout(this.timer);
  }

  pause(on: boolean): void {
    batch(() => {
      this.paused.value = on;
      if (on) return;
      this.grow(this.waiting.value, false);
      this.waiting.value = [];
    });
  }

  async older(filter: PacketFilter): Promise<void> {
    const cursor = this.cursor.value;
    if (cursor === null || this.busy.value) return;
    const { signal } = this.ended;
    this.busy.value = true;
    try {
      const answer = await this.ask({ filter, cursor }, signal);
      batch(() => {
        const known = new Set(this.shown.value.map((one) => one.id));
        this.shown.value = [...this.shown.value, ...answer.packets.filter((one) => !known.has(one.id))];
        this.cursor.value = answer.next ?? null;
        this.trouble.value = null;
      });
    } catch (error) {
      if (!signal.aborted) this.trouble.value = reason(error);
    }
    this.busy.value = false;
  }

  private take(answer: Answered): void {
    const more = answer.next !== undefined;
    if (!this.paused.value) {
      this.grow(answer.packets, more);
      return;
    }
    const known = new Set(this.shown.value.map((one) => one.id));
    this.waiting.value = merge(this.waiting.value, answer.packets.filter((one) => !known.has(one.id)), more);
  }

  /** Puts new ones on top. Those that fall off the end are the first of the older ones again. */
  private grow(packets: readonly PacketAnswer[], more: boolean): void {
    const before = this.shown.value.at(-1)?.id;
    const shown = merge(this.shown.value, packets, more);
    const last = shown.at(-1)?.id;
    batch(() => {
      this.shown.value = shown;
      if (before !== undefined && last !== undefined && last !== before) this.cursor.value = last;
    });
  }

  private async ask(of: { filter: PacketFilter; since?: number; cursor?: string }, signal: AbortSignal): Promise<Answered> {
    const body = await ask(packetsUrl({ name: this.name, verdict: this.verdict, limit: AT_ONCE, ...of }), signal);
    const packets = (body as Answered | null)?.packets;
    if (!Array.isArray(packets)) throw new Error(t("error.answer"));
    const next = (body as Answered).next;
    return { packets: packets.filter((one) => typeof one?.id === "string" && typeof one.raw === "string"), ...(next !== undefined && { next }) };
  }
}

function Line({ packet, open, toggle }: { packet: Listed; open: boolean; toggle: () => void }) {
  const id = `packet-${packet.id}`;
  return (
    <li class="packet" data-open={open}>
      <div class="summary" onClick={(event) => {
        if ((event.target as Element).closest("a, button") === null && getSelection()?.isCollapsed !== false) toggle();
      }}>
        <button type="button" class="opener" aria-expanded={open} aria-controls={open ? id : undefined} onClick={toggle}
          aria-label={p("packet.open", { source: packet.source ?? "?", time: packet.received_at.slice(11, 19) })}>
          <Icon name="chevron" />
        </button>
        <time class="clock" dateTime={packet.received_at} title={packet.received_at}>{packet.received_at.slice(11, 19)}Z</time>
        <span class="from">{packet.source === undefined ? <span class="faint">?</span> : <StationLink name={packet.source} />}</span>
        <span class="badge" data-verdict={packet.verdict}>{word("kind", packet.kind)}</span>
        <code dir="ltr">{visible(packet.raw)}</code>
      </div>
      {packet.verdict !== "accepted" && (
        <p class="reason">
          <strong>{word("verdict", packet.verdict)}</strong>
          {packet.reason !== undefined && <>: <Remark code={packet.reason} message={packet.message ?? packet.reason} /></>}
        </p>
      )}
      {open && <div id={id}><Explanation id={packet.id} raw={packet.raw} /></div>}
      {packet.gap === true && <p class="gap faint">{p("packets.gap")}</p>}
    </li>
  );
}

function List({ name, verdict }: { name: string | null; verdict?: string }) {
  const [packets] = useState(() => new PacketList(name, verdict));
  const query = new URLSearchParams(location.search);
  const kind = useSignal(KINDS.find((one) => one === query.get("kind")) ?? "");
  const text = useSignal(query.get("text") ?? "");
  const open = useSignal<ReadonlySet<string>>(new Set());
  const filter = { kind: kind.value, text: text.value.trim() };
  useEffect(() => {
    // Who types asks once, at the end.
    const timer = setTimeout(() => {
      writeQuery(filter);
      packets.start(filter);
    }, packets.shown.value.length === 0 && packets.busy.value ? 0 : WRITTEN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [filter.kind, filter.text]);
  useEffect(() => () => packets.stop(), []);
  const toggle = (id: string) => {
    const next = new Set(open.value);
    if (!next.delete(id)) {
      next.add(id);
      // What is read must not move away.
      if (!packets.paused.value) packets.pause(true);
    }
    open.value = next;
  };
  const { paused, waiting, shown, trouble, busy, cursor } = packets;
  const filtered = filter.kind !== "" || filter.text !== "";
  return (
    <>
      <form class="tools" role="search" aria-label={p("packets.filter")} onSubmit={(event) => event.preventDefault()}>
        {verdict === undefined && (
          <label><span>{p("packets.kind")}</span>
            <select value={kind.value} onChange={(event) => {
              kind.value = event.currentTarget.value as typeof kind.value;
            }}>
              <option value="">{t("filter.all")}</option>
              {KINDS.map((one) => <option key={one} value={one}>{word("kind", one)}</option>)}
            </select>
          </label>
        )}
        <label><span>{p("packets.text")}</span>
          <input type="search" value={text.value} maxLength={200} autocomplete="off" spellcheck={false} onInput={(event) => {
            text.value = event.currentTarget.value;
          }} />
        </label>
        <button type="button" class="action" data-active={paused.value} onClick={() => packets.pause(!paused.value)}>
          <Icon name={paused.value ? "play" : "pause"} /><span>{paused.value ? p("packets.resume") : p("packets.pause")}</span>
        </button>
        <span class="waiting faint" role="status">{paused.value && waiting.value.length > 0 && many("packets.waiting", waiting.value.length)}</span>
      </form>
      {trouble.value !== null && <p class="note" role="alert">{p("failed.again", { reason: trouble.value })}</p>}
      {busy.value && shown.value.length === 0 && <p class="faint loading">{p("loading")}</p>}
      {!busy.value && shown.value.length === 0 && trouble.value === null && (
        <p class="note">{filtered || cursor.value !== null ? p("packets.none.filtered") : p(verdict === undefined ? "packets.none" : "packets.none.bad")}</p>
      )}
      <ul class="packet-list">
        {shown.value.map((one) => (
          <Line key={one.id} packet={one} open={open.value.has(one.id)} toggle={() => toggle(one.id)} />
        ))}
      </ul>
      {cursor.value !== null && (
        <button type="button" class="action older" disabled={busy.value} onClick={() => void packets.older(filter)}>{p("packets.older")}</button>
      )}
    </>
  );
}

export function Packets({ name }: PageProps) {
  return (
    <>
      <h1 dir="auto">{name === null ? p("title.packets") : visible(name)}</h1>
      {name === null ? <p class="lead">{p("packets.lead")}</p> : <NamePages name={name} page="packets" />}
      {name === null && <NameForm page="packets" label={p("packets.of")} />}
      <List name={name} />
    </>
  );
}

export function BadPackets() {
  return (
    <>
      <h1>{p("title.badpackets")}</h1>
      <p class="lead">{p("badpackets.lead")}</p>
      <List name={null} verdict="bad" />
    </>
  );
}
