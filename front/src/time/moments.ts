/** Moments as the bar needs them: the stretch that its slider covers, and the form of the browser's own date field. */

const DAY_MS = 86_400_000;
/** Blocks reach so far behind the present at best. */
const BEHIND_MS = 15_000;

/** The latest moment that can be shown. */
export function endOf(nowMs: number): number {
  return nowMs - BEHIND_MS;
}

/** The first moment with something to show: the whole second after the oldest packet that is kept. */
export function firstOf(oldestMs: number): number {
  return Math.ceil(oldestMs / 1000) * 1000;
}

/** What the slider covers: the last day, or the viewer's calendar day of a moment before; nothing before the oldest packet. */
export function windowOf(atMs: number, nowMs: number, oldestMs: number): { fromMs: number; toMs: number } {
  const end = endOf(nowMs);
  if (atMs >= end - DAY_MS) return { fromMs: Math.min(Math.max(end - DAY_MS, oldestMs), end - 1), toMs: end };
  const day = new Date(atMs);
  day.setHours(0, 0, 0, 0);
  const next = new Date(day);
  // Not plus 24 hours: two days of the year are longer or shorter.
  next.setDate(next.getDate() + 1);
  const fromMs = Math.min(Math.max(day.getTime(), oldestMs), atMs);
  return { fromMs, toMs: Math.max(next.getTime(), fromMs + 1) };
}

/** "2026-11-24T10:15" by the viewer's clock. */
export function localInput(ms: number): string {
  const date = new Date(ms);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The same back, ms since 1970; null while it is not whole. */
export function parseLocal(text: string): number | null {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? new Date(text).getTime() : Number.NaN;
  return ms > 0 ? ms : null;
}
