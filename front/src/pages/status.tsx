/** `/status`: what the program is doing, renewed while somebody looks. The server tells strangers less than operators: what is not told is not shown. */
import type { ComponentChildren } from "preact";
import { number } from "../ui/i18n";
import { Row } from "../ui/panels/rows";
import { useAnswer } from "./answer";
import { Hours } from "./hours";
import { Ago, Section, Waiting } from "./parts";
import { p, word } from "./texts";

const ANEW_MS = 5000;

interface Breaker {
  state: string;
  succeeded?: number;
  failed?: number;
  refused?: number;
}

interface Job {
  name: string;
  next_run?: string;
  last_run?: string;
  running?: boolean;
  runs?: number;
  failures?: number;
  last_ok?: boolean;
  last_duration_ms?: number;
  last_result?: string;
}

export interface StatusAnswer {
  version?: string;
  engine?: string;
  entities?: number;
  viewers?: number;
  feed?: {
    state?: string; server?: string; server_software?: string; server_id?: string; login?: string; connected_at?: string; last_packet_at?: string;
    reconnects?: number; last_error?: string;
  };
  packets?: Record<string, number>;
  kept?: { stored?: number; duplicates?: number; bad?: number; unavailable?: boolean };
  live?: { tiles?: number; viewers_closed_slow?: number; latency_ms?: { p50?: number; p99?: number; count?: number; buckets?: { le: number | null; count: number }[] } };
  history?: Record<string, number>;
  queues?: Record<string, { depth?: number; capacity?: number; dropped?: number }>;
  limit?: { allowed?: number; refused?: number; breaker?: Breaker };
  jobs?: Job[];
  devices_fetch?: Breaker;
  cluster?: {
    replica?: string; role?: string; takeovers?: number; ring?: { packets: number; seconds: number } | null;
    spool?: { packets?: number; bytes?: number; spooled?: number; drained?: number; trouble?: string | null };
    world?: { filled?: boolean; follows?: string };
    database?: { trouble?: string | null; breaker?: Breaker };
    bus?: { kind?: string; published?: number; taken?: number; lost?: number; breaker?: Breaker | null };
  };
}

/** A state in a word, good or not: a sign beside the colour. */
function State({ good, children }: { good: boolean; children: ComponentChildren }) {
  return <span class="state" data-good={good}><span aria-hidden="true">{good ? "●" : "▲"}</span> {children}</span>;
}

function Figures({ of }: { of: readonly (readonly [string, number | undefined])[] }) {
  return (
    <dl class="figures">
      {of.map(([title, value]) => typeof value === "number" && <Row key={title} title={title}>{number(value)}</Row>)}
    </dl>
  );
}

function BreakerState({ of }: { of: Breaker }) {
  return (
    <>
      <State good={of.state === "closed"}>{word("breaker", of.state)}</State>
      {of.succeeded !== undefined && of.failed !== undefined && of.refused !== undefined && (
        <span class="faint"> · {p("breaker.figures", { succeeded: number(of.succeeded), failed: number(of.failed), refused: number(of.refused) })}</span>
      )}
    </>
  );
}

const GOOD_FEED = ["verified", "unverified"];

function Feed({ feed }: { feed: NonNullable<StatusAnswer["feed"]> }) {
  return (
    <Section id="feed" title={p("status.feed")}>
      <dl>
        {feed.state !== undefined && <Row title={p("status.state")}><State good={GOOD_FEED.includes(feed.state)}>{word("feed", feed.state)}</State></Row>}
        {feed.server != null && <Row title={p("status.server")}>{feed.server}<span class="faint"> {[feed.server_id, feed.server_software].filter(Boolean).join(" · ")}</span></Row>}
        {feed.login != null && <Row title={p("status.login")}>{feed.login}</Row>}
        {feed.connected_at != null && <Row title={p("status.connected")}><Ago at={feed.connected_at} /></Row>}
        {feed.last_packet_at != null && <Row title={p("status.last_packet")}><Ago at={feed.last_packet_at} /></Row>}
        {feed.last_error != null && <Row title={p("status.last_error")}><span lang="en">{feed.last_error}</span></Row>}
        {feed.reconnects !== undefined && <Row title={p("status.reconnects")}>{number(feed.reconnects)}</Row>}
      </dl>
    </Section>
  );
}

function Cluster({ cluster }: { cluster: NonNullable<StatusAnswer["cluster"]> }) {
  const { spool, world, database, bus, ring } = cluster;
  return (
    <Section id="cluster" title={p("status.cluster")}>
      <dl>
        {cluster.replica !== undefined && <Row title={p("status.replica")}>{cluster.replica}</Row>}
        {cluster.role !== undefined && <Row title={p("status.role")}><State good={cluster.role !== "cut_off"}>{word("role", cluster.role)}</State></Row>}
        {cluster.takeovers !== undefined && <Row title={p("status.takeovers")}>{number(cluster.takeovers)}</Row>}
        {ring != null && <Row title={p("status.ring")}>{p("status.ring.value", { packets: number(ring.packets), seconds: number(ring.seconds) })}</Row>}
        {world !== undefined && <Row title={p("status.world")}><State good={world.filled !== false}>{word("world", world.filled === false ? "filling" : "filled")}</State></Row>}
        {database !== undefined && (
          <Row title={p("status.database")}>
            {database.breaker !== undefined && <BreakerState of={database.breaker} />}
            {database.trouble != null && <p lang="en">{database.trouble}</p>}
          </Row>
        )}
        {bus !== undefined && (
          <Row title={p("status.bus")}>
            {bus.breaker != null ? <BreakerState of={bus.breaker} /> : bus.kind}
            {bus.published !== undefined && bus.taken !== undefined && bus.lost !== undefined && (
              <p class="faint">{p("status.bus.value", { published: number(bus.published), taken: number(bus.taken), lost: number(bus.lost) })}</p>
            )}
          </Row>
        )}
        {spool !== undefined && (
          <Row title={p("status.spool")}>
            <State good={spool.trouble == null}>{p("status.spool.value", { packets: number(spool.packets ?? 0) })}</State>
            {spool.trouble != null && <p lang="en">{spool.trouble}</p>}
          </Row>
        )}
      </dl>
    </Section>
  );
}

/** How long packets took to viewers: a bar for each step, of those in it alone. */
function Latency({ of }: { of: NonNullable<NonNullable<StatusAnswer["live"]>["latency_ms"]> }) {
  const { buckets = [], count = 0 } = of;
  const alone = buckets.map((one, i) => ({ le: one.le, count: one.count - (buckets[i - 1]?.count ?? 0) }));
  const most = Math.max(1, ...alone.map((one) => one.count));
  // Steps that nothing reached are left out at both ends.
  const first = alone.findIndex((one) => one.count > 0);
  const last = alone.findLastIndex((one) => one.count > 0);
  return (
    <>
      <dl class="figures">
        {of.p50 != null && <Row title={p("status.p50")}>{number(of.p50)} ms</Row>}
        {of.p99 != null && <Row title={p("status.p99")}>{number(of.p99)} ms</Row>}
      </dl>
      {count > 0 && buckets.length > 0 && (
        <table class="histogram">
          <caption class="faint">{p("status.latency.caption")}</caption>
          <thead class="visually-hidden"><tr><th scope="col">{p("status.latency.time")}</th><th scope="col">{p("status.latency.count")}</th></tr></thead>
          <tbody>
            {alone.map((one, i) => i >= first && i <= last && (
              <tr key={i}>
                <th scope="row">{one.le === null ? `> ${number(buckets[i - 1]?.le ?? 0)}` : `≤ ${number(one.le)}`} ms</th>
                <td><meter min={0} max={most} value={one.count} aria-hidden="true" /> {number(one.count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Queues({ queues }: { queues: NonNullable<StatusAnswer["queues"]> }) {
  return (
    <Section id="queues" title={p("status.queues")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{p("status.queue")}</th><th scope="col" class="count">{p("status.queue.depth")}</th>
            <th scope="col" class="count">{p("status.queue.capacity")}</th><th scope="col" class="count">{p("status.queue.dropped")}</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(queues).map(([name, queue]) => (
            <tr key={name}>
              <th scope="row">{word("queue", name)}</th>
              {[queue.depth, queue.capacity, queue.dropped].map((one, i) => <td key={i} class="count">{one !== undefined && number(one)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Jobs({ jobs }: { jobs: readonly Job[] }) {
  if (jobs.length === 0) return null;
  return (
    <Section id="jobs" title={p("status.jobs")}>
      <div class="wide" tabIndex={0} role="group" aria-label={p("status.jobs")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{p("status.job")}</th><th scope="col">{p("status.job.last")}</th><th scope="col">{p("status.job.result")}</th>
              <th scope="col">{p("status.job.next")}</th><th scope="col" class="count">{p("status.job.runs")}</th>
            </tr>
          </thead>
          <tbody>
            {jobs.map((job) => (
              <tr key={job.name}>
                <th scope="row">{word("job", job.name)}</th>
                <td>{job.running === true ? p("status.job.running") : job.last_run !== undefined && <Ago at={job.last_run} />}</td>
                <td lang="en">{job.last_ok !== undefined && <State good={job.last_ok}>{job.last_result}</State>}</td>
                <td>{job.next_run?.replace("T", " ").replace("Z", " UTC")}</td>
                <td class="count">
                  {job.runs !== undefined && number(job.runs)}
                  {job.failures !== undefined && job.failures > 0 && ` (${p("status.job.failures", { count: number(job.failures) })})`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

export function Status() {
  const answer = useAnswer<StatusAnswer>("/api/v1/status", ANEW_MS);
  const status = answer.data;
  return (
    <>
      <h1>{p("title.status")}</h1>
      <Waiting answer={answer} />
      {status !== null && (
        <>
          <div class="columns">
            {status.feed !== undefined && <Feed feed={status.feed} />}
            {status.packets !== undefined && (
              <Section id="since" title={p("status.packets")}>
                <p class="faint">{p("status.packets.hint")}</p>
                <Figures of={["received", "stored", "duplicates", "implausible", "bad", "refused"].map((one) => [word("count", one), status.packets?.[one]] as const)} />
              </Section>
            )}
            {status.cluster !== undefined && <Cluster cluster={status.cluster} />}
            {(status.engine !== undefined || status.kept !== undefined) && (
              <Section id="store" title={p("status.store")}>
                <dl>
                  {status.engine !== undefined && <Row title={p("status.engine")}>{status.engine}</Row>}
                  {status.kept !== undefined && (
                    <Row title={p("status.state")}>
                      <State good={status.kept.unavailable !== true}>{p(status.kept.unavailable === true ? "status.store.away" : "status.store.there")}</State>
                    </Row>
                  )}
                </dl>
                <Figures of={["stored", "duplicates", "bad"].map((one) => [word("count", one), status.kept?.[one as "stored"]] as const)} />
              </Section>
            )}
            <Section id="live" title={p("status.live")}>
              <Figures of={[
                [p("status.entities"), status.entities], [p("status.viewers"), status.viewers], [p("status.tiles"), status.live?.tiles],
                [p("status.closed_slow"), status.live?.viewers_closed_slow],
              ]} />
              {status.live?.latency_ms !== undefined && <Latency of={status.live.latency_ms} />}
            </Section>
            {status.history !== undefined && (
              <Section id="history" title={p("status.history")}>
                <Figures of={Object.entries(status.history).map(([name, value]) => [word("history", name), value] as const)} />
              </Section>
            )}
            {status.queues != null && <Queues queues={status.queues} />}
            {status.limit !== undefined && (
              <Section id="limit" title={p("status.limit")}>
                <Figures of={[[word("count", "allowed"), status.limit.allowed], [word("count", "turned_away"), status.limit.refused]]} />
                {status.limit.breaker != null && <p><BreakerState of={status.limit.breaker} /></p>}
              </Section>
            )}
          </div>
          <Hours />
          {Array.isArray(status.jobs) && <Jobs jobs={status.jobs} />}
          {status.devices_fetch != null && (
            <Section id="devices" title={p("status.devices")}><p><BreakerState of={status.devices_fetch} /></p></Section>
          )}
          {status.version !== undefined && <p class="faint">Godwit {status.version}</p>}
        </>
      )}
    </>
  );
}
