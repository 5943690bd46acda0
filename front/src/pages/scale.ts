/** Numbers of a chart: round marks of an axis, times of day, and where a line is broken. No drawing. */

/** Round numbers that span the values, about `count` of them; a flat line gets room on both sides. */
export function marks(lowest: number, highest: number, count: number): number[] {
  const flat = highest - lowest < 1e-9;
  const low = flat ? lowest - Math.max(1, Math.abs(lowest) * 0.005) : lowest;
  const high = flat ? highest + Math.max(1, Math.abs(highest) * 0.005) : highest;
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  const found: number[] = [];
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  for (let n = first; n <= last; n++) found.push(Number((n * step).toPrecision(12)));
  return found;
}

/** Decimals that tell marks apart. */
export function digitsOf(axis: readonly number[]): number {
  const step = Math.abs((axis[1] ?? 1) - (axis[0] ?? 0));
  return step >= 1 && Number.isInteger(step) ? 0 : Math.min(4, Math.max(1, -Math.floor(Math.log10(step) + 1e-9)));
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY, 5 * DAY, 10 * DAY];

/** Moments to mark, at most about `count`: whole steps by the viewer's own clock. */
export function timeMarks(from: number, until: number, count: number): { step: number; at: number[] } {
  const step = STEPS.find((one) => (until - from) / one <= count) ?? (STEPS.at(-1) as number);
  const at: number[] = [];
  const start = new Date(from);
  if (step >= DAY) {
    start.setHours(0, 0, 0, 0);
    // Days of 23 and 25 hours: the date counts, not the hours.
    for (const day = start; day.getTime() <= until; day.setDate(day.getDate() + step / DAY)) if (day.getTime() >= from) at.push(day.getTime());
  } else {
    const shift = start.getTimezoneOffset() * MINUTE;
    for (let ms = Math.ceil((from - shift) / step) * step + shift; ms <= until; ms += step) at.push(ms);
  }
  return { step, at };
}

/** The longest silence that a line goes on over: a few times what is usual. */
export function gapOf(times: readonly number[]): number {
  const waits = times.slice(1).map((one, i) => one - (times[i] as number)).sort((a, b) => a - b);
  return Math.max(10 * MINUTE, 4 * (waits[Math.floor(waits.length / 2)] ?? 0));
}

/** Runs of points that belong together: what is unknown, or silent for longer than `gap`, breaks them. */
export function runs(times: readonly number[], values: readonly (number | null)[], gap: number): [number, number][][] {
  const found: [number, number][][] = [];
  let before = Number.NEGATIVE_INFINITY;
  times.forEach((time, i) => {
    const value = values[i];
    if (value == null || !Number.isFinite(value)) return;
    if (time - before > gap) found.push([]);
    found.at(-1)?.push([time, value]);
    before = time;
  });
  return found;
}

/** Index of the time nearest to a moment; -1 when there is none. */
export function nearest(times: readonly number[], at: number): number {
  let low = 0;
  let high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < at) low = middle;
    else high = middle;
  }
  if (high < 0) return -1;
  return Math.abs((times[low] as number) - at) <= Math.abs((times[high] as number) - at) ? low : high;
}
