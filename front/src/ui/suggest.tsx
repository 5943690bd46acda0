/** The suggestions of the search: what they are, which one is meant, and the list. Loaded when the box is first used. */
import "./texts.en.panels";
import { type Signal, batch, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type SearchAnswer, search } from "./api";
import { language, number, plural, t } from "./i18n";
import { Icon } from "./icons";
import type { Page } from "./page";
import { type Target, recent, remember } from "./recent";
import { RowLine } from "./row";
import { MOST_CALLS } from "./url";
import { visible } from "./visible";

const AFTER_TYPING_MS = 120;
const MOST = 10;
/** So many the server gives at most; a pattern is asked for all of them, to know whom to mark. */
const MOST_AT_ALL = 100;

export type Suggestion =
  | Target
  /** All that a wildcard or a bare callsign found, marked together: `names` are the first of `total`. */
  | { is: "all"; names: readonly string[]; total: number }
  /** The rest of what was found. */
  | { is: "more"; shown: number; total: number }
  /** No choice, but a word on it: there are more than the server gives. */
  | { is: "part"; shown: number; total: number }
  | { is: "forget" };

const wild = (text: string) => /[*?]/.test(text);

/** An answer as suggestions: the exact name first, then the point that the text means, then names (at most `most`) and places. */
export function suggestionsOf(text: string, answer: SearchAnswer, most: number = MOST): Suggestion[] {
  const found: Target[] = answer.results.map((one) => ({
    is: "entity", name: one.name, kind: one.kind, symbol: one.symbol, heardMs: Date.parse(one.last_heard),
    at: one.latitude === undefined || one.longitude === undefined ? undefined : { lat: one.latitude, lng: one.longitude },
  }));
  const points: Target[] = answer.locations.map((one) => ({
    is: "place", name: one.text, more: one.kind, at: { lat: one.latitude, lng: one.longitude }, zoom: one.zoom,
  }));
  const places: Target[] = answer.places.map((one) => ({
    is: "place", name: one.name, more: one.country ?? "", at: { lat: one.latitude, lng: one.longitude }, zoom: one.zoom,
  }));
  const entities = found.slice(0, most);
  const wanted = text.toUpperCase();
  const exact = entities.filter((one) => one.name.toUpperCase() === wanted);
  const list: Suggestion[] = [...exact, ...points, ...entities.filter((one) => !exact.includes(one)), ...places];
  const together = wild(wanted) ? found : found.filter((one) => one.name.toUpperCase().split("-")[0] === wanted);
  const total = wild(wanted) ? answer.total : together.length;
  // The SSIDs of a callsign come first: they are all there where something else follows, or nothing is missing.
  const whole = wild(wanted) || together.length < found.length || found.length === answer.total;
  if (together.length > 1 && whole) list.push({ is: "all", names: together.slice(0, MOST_CALLS).map((one) => one.name), total });
  const shown = entities.length;
  if (shown < answer.total) list.push({ is: shown < MOST_AT_ALL ? "more" : "part", shown, total: answer.total });
  return list;
}

export class Suggestions {
  readonly list: Signal<readonly Suggestion[]> = signal([]);
  /** Which one the arrows chose; -1: none, the text as typed. */
  readonly active: Signal<number> = signal(-1);
  readonly state: Signal<"idle" | "found" | "failed"> = signal("idle");
  private readonly page: Page;
  private request: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private text = "";
  /** Everything that the server gives is shown. */
  private more = false;

  constructor(page: Page) {
    this.page = page;
  }

  /** The text of the box, as it changes. */
  type(text: string): void {
    clearTimeout(this.timer);
    if (text.trim() !== this.text) this.more = false;
    this.text = text.trim();
    if (this.text === "") this.showRecent();
    else this.timer = setTimeout(() => void this.ask(), AFTER_TYPING_MS);
  }

  /** Moves the choice; one place more than suggestions: none. */
  move(step: 1 | -1): void {
    const count = this.list.value.length;
    this.active.value = ((this.active.value + 1 + step + count + 1) % (count + 1)) - 1;
  }

  /** Goes where the choice, or the best of what the text finds, leads. True when the box has done its work. */
  async enter(): Promise<boolean> {
    const chosen = this.list.value[this.active.value];
    if (chosen !== undefined) return this.go(chosen);
    if (this.text === "") return false;
    await this.ask();
    const [best] = this.list.value;
    return best !== undefined && this.go(best);
  }

  /** Goes there; false when the box stays open. */
  go(chosen: Suggestion): boolean {
    this.stop();
    if (chosen.is === "forget") {
      recent.value = [];
      this.showRecent();
      return false;
    }
    if (chosen.is === "part") return false;
    if (chosen.is === "more") {
      this.more = true;
      void this.ask();
      return false;
    }
    if (chosen.is === "all") {
      this.page.mark(chosen.names);
      return true;
    }
    remember(chosen);
    if (chosen.is === "entity") {
      this.page.open({ name: chosen.name, kind: chosen.kind }, chosen.at ?? true);
    } else {
      this.page.setFrom(chosen.at);
      this.page.flyToPoint(chosen.at.lat, chosen.at.lng, chosen.zoom);
    }
    return true;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.request?.abort();
  }

  private showRecent(): void {
    this.stop();
    batch(() => {
      this.state.value = "idle";
      this.active.value = -1;
      this.list.value = recent.value.length === 0 ? [] : [...recent.value, { is: "forget" }];
    });
  }

  private async ask(): Promise<void> {
    this.stop();
    const request = new AbortController();
    const { text } = this;
    this.request = request;
    const most = this.more ? MOST_AT_ALL : MOST;
    const answer = await search(text, wild(text) ? MOST_AT_ALL : most, request.signal).catch(() => null);
    if (request.signal.aborted) return;
    batch(() => {
      this.state.value = answer === null ? "failed" : "found";
      this.list.value = answer === null ? [] : suggestionsOf(text, answer, most);
      this.active.value = -1;
    });
  }
}

/** The name of a country in the language of the page; a code that is none stays as it is. */
function country(code: string): string {
  if (!/^[A-Z]{2}$/.test(code)) return code;
  return new Intl.DisplayNames([language()], { type: "region", fallback: "code" }).of(code) ?? code;
}

function Line({ page, one }: { page: Page; one: Suggestion }) {
  if (one.is === "entity") return <RowLine page={page} row={one} />;
  if (one.is === "all") {
    const said = one.names.length < one.total ? t("search.first", { most: number(one.names.length), count: number(one.total) }) : plural("search.all", one.total);
    return <><Icon name="mark" /><span>{said}</span></>;
  }
  if (one.is === "more" || one.is === "part") {
    const key = one.is === "part" ? "search.part" : one.total <= MOST_AT_ALL ? "search.more" : "search.more.some";
    const said = t(key, { shown: number(one.shown), count: number(one.total), most: number(MOST_AT_ALL) });
    return <>{one.is === "more" && <Icon name="list" />}<span>{said}</span></>;
  }
  if (one.is === "forget") return <span class="faint">{t("search.forget")}</span>;
  const more = one.more === "locator" || one.more === "coordinates" ? t(`search.${one.more}`) : country(one.more);
  return <><Icon name="pin" /><span class="name" dir="auto">{visible(one.name)}</span><span class="more">{more}</span></>;
}

/** The options of the list box, and what is said of them. */
export function Options({ page, model, choose }: { page: Page; model: Suggestions; choose: (one: Suggestion) => void }) {
  const list = model.list.value;
  const { value: state } = model.state;
  const { value: active } = model.active;
  useEffect(() => document.getElementById(`suggestion-${active}`)?.scrollIntoView({ block: "nearest" }), [active]);
  return (
    <>
      {list.map((one, i) => (
        <li
          key={one.is === "entity" ? `${one.kind} ${one.name}` : one.is === "place" ? `place ${i} ${one.name}` : one.is}
          id={`suggestion-${i}`}
          role="option"
          class={one.is === "part" ? "empty" : ""}
          aria-selected={i === active}
          aria-disabled={one.is === "part" ? true : undefined}
          // Before the blur that would close the list.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => choose(one)}
        >
          <Line page={page} one={one} />
        </li>
      ))}
      {list.length === 0 && state !== "idle" && (
        <li class="empty" role="option" aria-selected="false" aria-disabled="true">
          {t(state === "failed" ? "search.failed" : "search.none")}
        </li>
      )}
    </>
  );
}

/** How many there are, for who does not see them. */
export function said(model: Suggestions): string {
  return model.state.value === "found" ? plural("search.count", model.list.value.length) : "";
}
