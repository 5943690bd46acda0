/** What several pages have: links of a name, ages, notes, questions for a name. */
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { sendsSeries, station } from "../ui/api";
import { age, moment } from "../ui/format";
import { t } from "../ui/i18n";
import { visible } from "../ui/visible";
import type { EntityKind } from "../ui/url";
import { type PageName, mapPath, pagePath } from "./address";
import { type Answer, useServerNow } from "./answer";
import { p } from "./texts";

/** How long ago something was, counting on. */
export function Ago({ at }: { at: string | number }) {
  const now = useServerNow();
  const ms = typeof at === "number" ? at : Date.parse(at);
  if (!Number.isFinite(ms)) return null;
  return <time dateTime={new Date(ms).toISOString()} title={moment(ms)}>{age(Math.max(0, (now - ms) / 1000))}</time>;
}

export function StationLink({ name, kind }: { name: string; kind?: string }) {
  return <a class="name" dir="auto" href={pagePath("info", name, kind)}>{visible(name)}</a>;
}

/** Whether a name has anything to draw over time: weather or telemetry in its latest position, or in packets of their own. */
function useSeries(name: string, kind: string | undefined): boolean {
  const [found, setFound] = useState({ name: "", has: false });
  useEffect(() => {
    const request = new AbortController();
    const ask = async () => {
      const one = await station(name, (kind as EntityKind | undefined) ?? "any", request.signal);
      return one.weather !== undefined || one.telemetry !== undefined || (one.kind === "station" && (await sendsSeries(one.name, request.signal)));
    };
    // The page is whole without the tab.
    ask().then((has) => setFound({ name, has }), () => {});
    return () => request.abort();
  }, [name, kind]);
  return found.name === name && found.has;
}

/** The pages about one name, and the map. */
export function NamePages({ name, kind, page }: { name: string; kind?: string | undefined; page: PageName }) {
  const series = useSeries(name, kind);
  const pages = (["info", "packets", "weather"] as const).filter((one) => one !== "weather" || series || page === "weather");
  return (
    <nav class="tabs" aria-label={p("name.pages", { name })}>
      {pages.map((one) => (
        <a key={one} href={pagePath(one, name, kind)} aria-current={one === page ? "page" : undefined}>{p(`tab.${one}`)}</a>
      ))}
      <a href={mapPath(name, kind)}>{p("tab.map")}</a>
    </nav>
  );
}

/** What is known so far, or why nothing is. */
export function Waiting({ answer, missing }: { answer: Answer<unknown>; missing?: string }) {
  if (answer.trouble === null) return answer.data === null ? <p class="faint loading">{p("loading")}</p> : null;
  if (answer.missing && missing !== undefined) return <p class="note">{missing}</p>;
  return (
    <p class="note" role="alert">
      {p(answer.data === null ? "failed" : "failed.stale", { reason: answer.trouble })}{" "}
      <button type="button" class="text" onClick={answer.again}>{t("part.retry")}</button>
    </p>
  );
}

export function Section({ id, title, children }: { id: string; title: string; children: ComponentChildren }) {
  return (
    <section class="box" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** Asks for a callsign or a name, and goes to its page. */
export function NameForm({ page, label }: { page: PageName; label: string }) {
  const text = useSignal("");
  return (
    <form class="ask" onSubmit={(event) => {
      event.preventDefault();
      if (text.value.trim() !== "") location.assign(pagePath(page, text.value.trim()));
    }}>
      <label><span>{label}</span>
        <input value={text.value} maxLength={64} autocomplete="off" spellcheck={false} onInput={(event) => {
          text.value = event.currentTarget.value;
        }} />
      </label>
      <button type="submit" class="action">{p("go")}</button>
    </form>
  );
}

/** `?kind=` of the address, if it is one. */
export function kindOfAddress(): "station" | "object" | "item" | undefined {
  const kind = new URLSearchParams(location.search).get("kind");
  return kind === "station" || kind === "object" || kind === "item" ? kind : undefined;
}

/** Changes the parameters of the address in place: what is empty goes. */
export function writeQuery(values: Readonly<Record<string, string>>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(history.state, "", text === "" ? location.pathname : `${location.pathname}?${text}`);
}
