/**
 * The bar of time travel: plays the past, shows which moment it is, and lets another one be chosen. Loaded when it is
 * opened first, with all it needs.
 */
import "../ui/texts.en.panels";
import "./time.css";
import { effect, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { locale, number, t } from "../ui/i18n";
import { Icon } from "../ui/icons";
import type { Page } from "../ui/page";
import { still } from "../ui/settings";
import { fetchRange } from "./blocks";
import { endOf, firstOf, localInput, parseLocal, windowOf } from "./moments";
import { Player, SPEEDS, type Speed } from "./player";

const MINUTE_MS = 60_000;
/** The text follows the clock so often while it plays. */
const SHOW_EVERY_MS = 100;
/** The address follows it so often. */
const ADDRESS_EVERY_MS = 5000;
/** While the slider is dragged the map follows at most so often. */
const DRAG_EVERY_MS = 250;

/** Keys, and by how much they move the moment; with Shift ten times that. */
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -MINUTE_MS, ArrowRight: MINUTE_MS, PageDown: -60 * MINUTE_MS, PageUp: 60 * MINUTE_MS };

export function TimeBar({ page }: { page: Page }) {
  const bar = useRef<HTMLElement>(null);
  const player = useMemo(() => new Player(page.at.peek() ?? Date.now()), []);
  const shown = useSignal(player.nowMs.peek());
  const oldest = useSignal(0);
  /** It was to begin before anything that is kept. */
  const early = useSignal(false);
  const offset = useSignal(page.stream.clockOffsetMs.peek());
  /** The moment that this bar wrote into the page's address last. */
  const written = useRef(page.at.peek());
  const dragged = useRef(0);

  const nowMs = () => Date.now() + offset.value;
  const tell = (ms: number) => {
    shown.value = ms;
    written.current = Math.floor(ms / 1000) * 1000;
    page.setAt(written.current);
  };
  const seek = (ms: number) => {
    const to = Math.max(firstOf(oldest.value), Math.min(endOf(nowMs()), ms));
    early.value = ms < to && to < endOf(nowMs());
    player.seek(to);
    tell(to);
  };

  useEffect(() => {
    player.endMs = () => endOf(nowMs());
    player.onEnd = () => page.setAt(null);
    const abort = new AbortController();
    let staged = false;
    fetchRange(abort.signal).then(
      ({ oldestMs, offsetMs }) => {
        oldest.value = oldestMs;
        offset.value = offsetMs;
        const at = player.nowMs.peek();
        early.value = at < oldestMs;
        // Asked for without a moment, it begins where there is something.
        if (early.value && page.timeBegins) {
          seek(firstOf(oldestMs));
          early.value = true;
        }
        page.timeBegins = false;
      },
      // The blocks themselves will say what is wrong.
      (error: unknown) => console.warn(`time travel: ${String(error)}`),
    );
    const stops = [
      // The past takes the place of the present when it is there.
      effect(() => {
        if (!player.waiting.value && !staged) {
          staged = true;
          page.restage(player.world);
        }
      }),
      effect(() => {
        if (page.bounds.value !== null) player.setView(page.bounds.value);
      }),
      // Back, forward, or a link.
      effect(() => {
        const at = page.at.value;
        if (at === null || at === written.current) return;
        written.current = at;
        shown.value = at;
        early.value = at < oldest.peek();
        player.seek(at);
      }),
      effect(() => {
        player.smooth = !still.value;
      }),
    ];
    const showing = setInterval(() => {
      if (!player.playing.peek()) return;
      shown.value = player.nowMs.peek();
      page.moment.value = Math.floor(shown.peek() / 1000) * 1000;
    }, SHOW_EVERY_MS);
    const telling = setInterval(() => {
      if (player.playing.peek()) tell(player.nowMs.peek());
    }, ADDRESS_EVERY_MS);
    bar.current?.querySelector("button")?.focus({ preventScroll: true });
    return () => {
      abort.abort();
      for (const stop of stops) stop();
      clearInterval(showing);
      clearInterval(telling);
      player.stop();
      page.restage(null);
    };
  }, []);

  const toggle = () => {
    player.play(!player.playing.peek());
    tell(player.nowMs.peek());
  };

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      const ours = bar.current?.contains(target) === true;
      if (event.ctrlKey || event.metaKey || event.altKey || page.over.peek() !== "") return;
      const field = target?.closest("select, input:not([type=range]), textarea, [contenteditable]") != null;
      if (field) return;
      if (event.key === " " && (target?.closest("button, a, summary, [role=option]") ?? null) === null) toggle();
      // The arrows belong to the map where the map has the focus.
      else if (ours && event.key in STEPS) seek(shown.peek() + (STEPS[event.key] as number) * (event.shiftKey ? 10 : 1));
      else if (ours && event.key === "Home") seek(span().fromMs);
      else if (ours && event.key === "End") seek(span().toMs);
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    document.addEventListener("keydown", onKey, true);
    return () => document.removeEventListener("keydown", onKey, true);
  }, []);

  const span = () => windowOf(shown.peek(), nowMs(), firstOf(oldest.peek()));
  const { fromMs, toMs } = windowOf(shown.value, nowMs(), firstOf(oldest.value));
  const playing = player.playing.value;
  const clock = new Intl.DateTimeFormat(locale(), { weekday: "short", hour: "2-digit", minute: "2-digit" });
  const full = new Intl.DateTimeFormat(locale(), { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const text = full.format(shown.value);
  const today = new Date(oldest.value).toDateString() === new Date(nowMs()).toDateString();
  const hour = today ? new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" }) : clock;
  return (
    <section class="time panel" ref={bar} aria-label={t("time.open")}>
      <button type="button" class="quiet play" aria-label={t(playing ? "time.pause" : "time.play")} title={t(playing ? "time.pause" : "time.play")} onClick={toggle}>
        <Icon name={playing ? "pause" : "play"} />
      </button>
      <div class="moment">
        <time dateTime={new Date(shown.value).toISOString()}>{text}</time>
        <span class="faint" role="status">
          {player.waiting.value ? t("time.waiting") : early.value && oldest.value > 0 && t("time.nothing", { time: hour.format(oldest.value) })}
        </span>
      </div>
      <label class="speed">
        <span class="visually-hidden">{t("time.speed")}</span>
        <select
          value={player.speed.value}
          title={t("time.speed")}
          onChange={(event) => {
            player.speed.value = Number(event.currentTarget.value) as Speed;
          }}
        >
          {SPEEDS.map((one) => <option key={one} value={one}>{t("time.times", { count: number(one) })}</option>)}
        </select>
      </label>
      <label class="pick">
        <span class="visually-hidden">{t("time.pick")}</span>
        <input
          type="datetime-local"
          title={t("time.pick")}
          value={localInput(shown.value)}
          min={oldest.value > 0 ? localInput(oldest.value) : undefined}
          max={localInput(nowMs())}
          onChange={(event) => {
            const ms = parseLocal(event.currentTarget.value);
            if (ms !== null) seek(ms);
          }}
        />
      </label>
      <button type="button" class="action back" onClick={() => page.setAt(null)}>{t("time.live")}</button>
      <div class="scrub">
        <span aria-hidden="true">{clock.format(fromMs)}</span>
        <input
          type="range"
          aria-label={t("time.scrub")}
          aria-valuetext={text}
          min={fromMs}
          max={toMs}
          step={MINUTE_MS / 6}
          value={shown.value}
          onInput={(event) => {
            shown.value = Number(event.currentTarget.value);
            early.value = false;
            if (performance.now() - dragged.current < DRAG_EVERY_MS) return;
            dragged.current = performance.now();
            player.seek(shown.value);
            page.moment.value = Math.floor(shown.value / 1000) * 1000;
          }}
          onChange={(event) => seek(Number(event.currentTarget.value))}
        />
        <span aria-hidden="true">{clock.format(toMs)}</span>
      </div>
      {player.failed.value !== "" && <p class="trouble-line" role="alert">{t("time.failed", { reason: player.failed.value })}</p>}
    </section>
  );
}
