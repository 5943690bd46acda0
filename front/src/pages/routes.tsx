/** `/api`: every route of the API as the server lists them, each with a form to try it. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { CopyButton } from "../ui/panels/copy";
import { aboutParameter, aboutRoute } from "./about-routes";
import { reason, useAnswer } from "./answer";
import { Waiting } from "./parts";
import { p } from "./texts";

interface Parameter {
  name: string;
  in: "path" | "query";
  about: string;
  example: string;
}

interface Route {
  path: string;
  about: string;
  parameters: Parameter[];
}

/** Longer answers are cut: a page is no place for megabytes. */
const MOST_SHOWN = 20_000;

interface Tried {
  status: string;
  ms: number;
  bytes: number;
  text: string;
  cut: boolean;
}

/** The address that the form asks; null while a part of the path is missing. */
export function addressOf(route: Route, values: Readonly<Record<string, string>>): string | null {
  let path = route.path;
  const query = new URLSearchParams();
  for (const one of route.parameters) {
    const value = (values[one.name] ?? "").trim();
    if (one.in === "path") {
      if (value === "") return null;
      path = path.replace(`{${one.name}}`, encodeURIComponent(value));
    } else if (value !== "") {
      query.set(one.name, value);
    }
  }
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** The page's own words, or what the server said in English. */
function Said({ own, english }: { own: string | null; english: string }) {
  return own === null ? <span lang="en">{english}</span> : <>{own}</>;
}

function Try({ route }: { route: Route }) {
  const id = route.path.replace(/\W+/g, "-");
  const values = useSignal<Record<string, string>>(Object.fromEntries(route.parameters.map((one) => [one.name, one.example])));
  const tried = useSignal<Tried | null>(null);
  const trouble = useSignal<string | null>(null);
  const busy = useRef<AbortController | null>(null);
  const address = addressOf(route, values.value);
  const run = async () => {
    if (address === null) return;
    busy.current?.abort();
    const request = new AbortController();
    busy.current = request;
    const began = performance.now();
    try {
      const response = await fetch(address, { signal: request.signal, headers: { accept: "application/json" } });
      const body = await response.text();
      const ms = performance.now() - began;
      let text = body;
      try {
        text = JSON.stringify(JSON.parse(body), null, 2);
      } catch {
        // Not JSON: shown as it came.
      }
      tried.value = { status: `${response.status} ${response.statusText}`.trim(), ms: Math.round(ms), bytes: body.length, text: text.slice(0, MOST_SHOWN), cut: text.length > MOST_SHOWN };
      trouble.value = null;
    } catch (error) {
      if (!request.signal.aborted) trouble.value = reason(error);
    }
  };
  return (
    <details class="route box">
      <summary><code>GET {route.path}</code> <Said own={aboutRoute(route.path)} english={route.about} /></summary>
      <form onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}>
        {route.parameters.map((one) => (
          <div class="parameter" key={one.name}>
            <label for={`${id}-${one.name}`}><code>{one.name}</code>{one.in === "path" && <span class="faint"> {p("api.required")}</span>}</label>
            <input id={`${id}-${one.name}`} value={values.value[one.name]} aria-describedby={`${id}-${one.name}-about`} autocomplete="off" spellcheck={false}
              required={one.in === "path"} onInput={(event) => {
                values.value = { ...values.value, [one.name]: event.currentTarget.value };
              }} />
            <p class="faint" id={`${id}-${one.name}-about`}><Said own={aboutParameter(route.path, one.name)} english={one.about} /></p>
          </div>
        ))}
        <p class="asked"><code>GET {address ?? route.path}</code></p>
        <div class="actions">
          <button type="submit" class="action" disabled={address === null}>{p("api.try")}</button>
          {address !== null && <CopyButton label={p("api.copy")} text={() => `curl '${new URL(address, location.href).href.replaceAll("'", "%27")}'`} />}
        </div>
      </form>
      {trouble.value !== null && <p class="note" role="alert">{p("failed", { reason: trouble.value })}</p>}
      {tried.value !== null && (
        <div class="tried">
          <p role="status">{p("api.answer", { status: tried.value.status, ms: tried.value.ms, bytes: tried.value.bytes })}</p>
          <pre tabIndex={0} dir="ltr">{tried.value.text}</pre>
          {tried.value.cut && <p class="faint">{p("api.cut")}</p>}
        </div>
      )}
    </details>
  );
}

export function Api() {
  const answer = useAnswer<{ routes: Route[] }>("/api/v1");
  const routes = Array.isArray(answer.data?.routes) ? answer.data.routes : [];
  return (
    <>
      <h1>{p("title.api")}</h1>
      <p class="lead">{p("api.lead")}</p>
      <ul class="points">
        <li>{p("api.base")} <code>{location.origin}/api/v1</code></li>
        <li>{p("api.units")}</li>
        <li>{p("api.errors")} <code>{'{"error":{"code","message"}}'}</code></li>
        <li>{p("api.bounds")}</li>
      </ul>
      <Waiting answer={answer} />
      {routes.map((route) => <Try key={route.path} route={route} />)}
    </>
  );
}
