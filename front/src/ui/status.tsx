/** The state of the connection and what the network does, always in sight. */
import type { ConnectionState } from "../live/stream";
import { useNow } from "./clock";
import { number, plural, t } from "./i18n";
import type { Page } from "./page";

/** What a screen reader is told: without the seconds that count down. */
function stateName(state: ConnectionState, past: boolean): string {
  if (past && (state.kind === "live" || state.kind === "polling")) return t("time.past");
  return t(state.kind === "reconnecting" ? "state.reconnecting.now" : `state.${state.kind}`);
}

function Countdown({ atMs }: { atMs: number }) {
  const seconds = Math.ceil((atMs - useNow()) / 1000);
  return <>{seconds > 0 ? t("state.reconnecting", { seconds }) : t("state.reconnecting.now")}</>;
}

export function Status({ page }: { page: Page }) {
  const { stream } = page;
  const state = stream.state.value;
  const pulse = stream.pulse.value;
  /** What the stream tells is not what the map shows. */
  const past = page.at.value !== null;
  return (
    <section class="status panel" data-state={state.kind} aria-label={t("state.label")} title={state.kind === "polling" ? t("state.polling.hint") : undefined}>
      <span class="dot" aria-hidden="true" />
      <span class="visually-hidden" role="status">{stateName(state, past)}</span>
      <span class="label" aria-hidden="true">
        {state.kind === "reconnecting" ? <Countdown atMs={state.atMs} /> : stateName(state, past)}
      </span>
      {state.kind === "live" && pulse !== null && !past && (
        <>
          <span class="figure">{plural("pulse.entities", pulse.entities)}</span>
          <span class="figure rate" title={t("pulse.rate.hint")}>
            {t("pulse.rate", { count: number(pulse.packetsPerMinute) })}
          </span>
        </>
      )}
      {page.settings.demo && (state.kind === "live" || state.kind === "polling") && <span class="badge" title={t("state.demo.hint")}>{t("state.demo")}</span>}
      {(state.kind === "reconnecting" || state.kind === "offline") && (
        <button type="button" class="text" onClick={() => stream.retryNow()}>{t("state.retry")}</button>
      )}
      {state.kind === "outdated" && (
        <button type="button" class="text" onClick={() => location.reload()}>{t("state.reload")}</button>
      )}
    </section>
  );
}
