/**
 * The stations of a link that names several: found on the map as they come and go, and asked for once where the stream
 * does not tell of them. Loaded with the first mark.
 */
import { type Signal, effect, signal } from "@preact/signals";
import { ApiError, type StationDetail, station } from "./api";
import { type Page, fromMercator } from "./page";
import type { LatLng } from "./url";

export interface Marked {
  name: string;
  /** Its slot in the world while the stream tells of it. */
  slot: number | null;
  detail: StationDetail | null;
  /** What the server said of it so far. */
  answer: "waiting" | "known" | "missing" | "failed";
}

export const marked: Signal<readonly Marked[]> = signal([]);

/** Where a marked one is, by the newest that is known. */
export function placeOf(page: Page, one: Marked): LatLng | null {
  const { x, y } = page.world.entities;
  if (one.slot !== null) return fromMercator(x[one.slot] as number, y[one.slot] as number);
  // The details are of the present: in time travel only what the map shows counts.
  if (page.moment.value !== null) return null;
  const { latitude: lat, longitude: lng } = one.detail ?? {};
  return lat === undefined || lng === undefined ? null : { lat, lng };
}

/** When it was heard last, in ms; 0 when nobody knows. */
export function heardMsOf(page: Page, one: Marked): number {
  if (one.slot !== null) return (page.world.entities.heardS[one.slot] as number) * 1000;
  return one.detail === null || page.moment.value !== null ? 0 : Date.parse(one.detail.last_heard) || 0;
}

let started = false;
/** How often the names are sought among all entities; between, a slot that still bears the name is kept. */
const SEEK_EVERY_MS = 1000;

/** Follows the page's marks from now on; further calls do nothing. */
export function startMarks(page: Page): void {
  if (started) return;
  started = true;
  const request = new AbortController();

  const seek = () => {
    const { entities } = page.world;
    const next = marked.peek().map((one) => {
      const still = one.slot !== null && entities.present[one.slot] === 1 && entities.name(one.slot) === one.name;
      return still ? one : { ...one, slot: page.world.find(one.name) };
    });
    if (next.some((one, i) => one !== marked.peek()[i] && one.slot !== marked.peek()[i]?.slot)) set(next);
  };
  const set = (next: readonly Marked[]) => {
    marked.value = next;
    page.map?.setMarked(new Set(next.map((one) => one.slot).filter((slot) => slot !== null)));
  };
  const fitOnce = () => {
    const now = marked.peek();
    if (!page.fitMarks || now.length === 0 || now.some((one) => one.answer === "waiting")) return;
    page.fitMarks = false;
    page.fit(now.map((one) => placeOf(page, one)).filter((at) => at !== null));
  };
  const ask = (name: string) => station(name, "any", request.signal).then(
    (detail) => ({ detail, answer: "known" as const }),
    (error: unknown) => ({ detail: null, answer: error instanceof ApiError && error.status === 404 ? "missing" as const : "failed" as const }),
  ).then((answer) => {
    set(marked.peek().map((one) => (one.name === name ? { ...one, ...answer } : one)));
    fitOnce();
  });

  effect(() => {
    const names = page.calls.value;
    const before = new Map(marked.peek().map((one) => [one.name, one]));
    set(names.map((name) => before.get(name) ?? { name, slot: null, detail: null, answer: "waiting" as const }));
    for (const name of names) if (!before.has(name)) void ask(name);
    seek();
    fitOnce();
  });
  let waiting = false;
  page.world.onChange(() => {
    if (waiting || marked.peek().length === 0) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      seek();
    }, SEEK_EVERY_MS);
  });
}
