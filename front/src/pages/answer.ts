/** Answers of the API that a page shows: asked for, asked for again while somebody looks, with what went wrong. */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { ApiError, get } from "../ui/api";
import { useNow } from "../ui/clock";

/** What the server's clock is ahead of ours, ms. Its answers tell it to a second; less than three are not worth a word. */
const clockOffsetMs = signal(0);

function noteClock(response: Response): void {
  const offset = Date.parse(response.headers.get("date") ?? "") - Date.now();
  if (Number.isFinite(offset)) clockOffsetMs.value = Math.abs(offset) < 3000 ? 0 : offset;
}

/** Now, by the clock that took the times down. */
export function serverNow(): number {
  return Date.now() + clockOffsetMs.peek();
}

/** The same, moving on while the component is there. */
export function useServerNow(): number {
  return useNow() + clockOffsetMs.value;
}

export function ask(url: string, signal: AbortSignal): Promise<unknown> {
  return get(url, signal, noteClock);
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export interface Answer<T> {
  /** The latest; null before the first. */
  data: T | null;
  /** Why the last question failed; what was known before stays. */
  trouble: string | null;
  /** The server knows no such thing. */
  missing: boolean;
  again: () => void;
}

type State<T> = Omit<Answer<T>, "again"> & { url: string };

/** Asks once, and again every `everyMs` unless nobody sees the page. */
export function useAnswer<T>(url: string, everyMs = 0): Answer<T> {
  const [state, setState] = useState<State<T>>({ url, data: null, trouble: null, missing: false });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = () => {
      if (everyMs > 0 && !ended.signal.aborted) timer = setTimeout(again, everyMs);
    };
    const again = () => (document.hidden ? later() : run());
    const run = () => {
      ask(url, ended.signal).then(
        (body) => setState({ url, data: body as T, trouble: null, missing: false }),
        (error: unknown) => {
          if (ended.signal.aborted) return;
          const missing = error instanceof ApiError && error.status === 404;
          setState((before) => ({ url, data: before.url === url && !missing ? before.data : null, trouble: reason(error), missing }));
        },
      ).finally(later);
    };
    run();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [url, everyMs, asked]);
  // What was asked for before is no answer to this question.
  const own = state.url === url;
  return {
    data: own ? state.data : null, trouble: own ? state.trouble : null, missing: own && state.missing,
    again: () => setAsked((before) => before + 1),
  };
}
