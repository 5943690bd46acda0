/**
 * A chart of values over time in SVG: lines (the second one dashed, so that no meaning lies in colour alone) and bars, with
 * the values under a pointer, a finger or the arrow keys. All charts of a page show the same moment.
 */
import type { Signal } from "@preact/signals";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { moment } from "../ui/format";
import { locale, number } from "../ui/i18n";
import { p } from "./texts";
import { digitsOf, gapOf, marks, nearest, runs, timeMarks } from "./scale";

export interface Series {
  label: string;
  /** In the unit that is shown; null where nothing was sent. */
  values: readonly (number | null)[];
  /** How a value is read out, with its unit. */
  read: (value: number) => string;
  bars?: boolean;
}

interface Props {
  title: string;
  unit: string;
  times: readonly number[];
  series: readonly Series[];
  from: number;
  until: number;
  /** The moment looked at, of all charts of the page; null: none. */
  at: Signal<number | null>;
  /** Where the wind comes from at each time. */
  winds?: readonly (number | null)[];
  /** An axis that begins at zero. */
  zero?: boolean;
}

const HEIGHT = 200;
const LEFT = 46;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 26;
const WIND_ROOM = 22;
const HOUR = 3_600_000;

/** The width that is there for it. */
function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current as HTMLDivElement;
    const observer = new ResizeObserver(() => setWidth(Math.round(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { box, width };
}

function clock(ms: number, step: number): string {
  const date = new Date(ms);
  const day = step >= 24 * HOUR || (date.getHours() === 0 && date.getMinutes() === 0);
  return new Intl.DateTimeFormat(locale(), day ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", hour12: false }).format(date);
}

/** Series without any value are left out; a chart without any series is none. */
export function Chart(props: Props) {
  const series = props.series.filter((one) => one.values.some((value) => value !== null));
  return series.length === 0 ? null : <Plot {...props} series={series} />;
}

function Plot({ title, unit, times, series: known, from, until, at, winds, zero = false }: Props) {
  const id = useId();
  const { box, width } = useWidth();
  const [focused, setFocused] = useState(false);
  const all = known.flatMap((one) => one.values.filter((value) => value !== null));
  const axis = marks(Math.min(...(zero ? [0] : []), ...lowHigh(all)), Math.max(...lowHigh(all)), 4);
  const digits = digitsOf(axis);
  const bottom = HEIGHT - BOTTOM - (winds === undefined ? 0 : WIND_ROOM);
  const [low, high] = [axis[0] as number, axis.at(-1) as number];
  const x = (ms: number) => LEFT + ((ms - from) / (until - from)) * (width - LEFT - RIGHT);
  const y = (value: number) => bottom - ((value - low) / (high - low)) * (bottom - TOP);
  const picked = at.value === null ? -1 : nearest(times, at.value);
  const pickedMs = picked < 0 ? null : (times[picked] as number);
  const look = (index: number) => {
    at.value = times[Math.min(times.length - 1, Math.max(0, index))] ?? null;
  };
  const point = (event: PointerEvent) => {
    const left = (event.currentTarget as Element).getBoundingClientRect().left;
    look(nearest(times, from + ((event.clientX - left - LEFT) / (width - LEFT - RIGHT)) * (until - from)));
  };
  const keys: Record<string, () => void> = {
    ArrowLeft: () => look((picked < 0 ? times.length : picked) - 1),
    ArrowRight: () => look(picked + 1),
    PageUp: () => look((picked < 0 ? times.length : picked) - Math.ceil(times.length / 20)),
    PageDown: () => look(picked + Math.ceil(times.length / 20)),
    Home: () => look(0),
    End: () => look(times.length - 1),
    Escape: () => {
      at.value = null;
    },
  };
  const values = picked < 0 ? [] : known.flatMap((one) => {
    const value = one.values[picked];
    return value == null ? [] : [`${one.label} ${one.read(value)}`];
  });
  // Drawn once: what moves is the cursor alone.
  const still = useMemo(() => width > 0 && (
    <>
      {axis.map((value) => (
        <g key={value}>
          <line class="grid" x1={LEFT} x2={width - RIGHT} y1={y(value)} y2={y(value)} />
          <text x={LEFT - 6} y={y(value) + 4} text-anchor="end">{number(value, digits, true)}</text>
        </g>
      ))}
      <Times from={from} until={until} x={x} width={width} />
      {known.map((one, i) => (
        <path key={one.label} class={`tone${i}${one.bars === true ? " bars" : ""}`}
          d={one.bars === true ? bars(times, one.values, x, y, width) : runs(times, one.values, gapOf(times)).map((run) => line(run, x, y)).join("")} />
      ))}
      {winds !== undefined && <Winds times={times} winds={winds} x={x} width={width} y={bottom + 14} />}
    </>
  ), [known, times, from, until, width, winds]);
  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption id={id}>
        <strong>{title}</strong> <span class="faint">{unit}</span>
        {known.length > 1 && (
          <span class="legend">
            {known.map((one, i) => (
              <span key={one.label}><svg width="22" height="8" aria-hidden="true"><path class={`tone${i}`} d="M0 4H22" /></svg>{one.label}</span>
            ))}
          </span>
        )}
      </figcaption>
      {/* All charts show the moment; a screen reader is told by the one that has the focus. */}
      <p class="reading" role={focused ? "status" : undefined}>
        {pickedMs === null ? "" : [moment(pickedMs).split("\n")[1], ...values].join(" · ")}
      </p>
      <div
        ref={box} class="plot" tabIndex={0} role="group" aria-label={`${title}. ${p("chart.hint")}`}
        onPointerMove={point} onPointerDown={point} onPointerLeave={(event) => {
          if (event.pointerType === "mouse") at.value = null;
        }}
        onFocus={() => setFocused(true)} onBlur={() => setFocused(false)}
        onKeyDown={(event) => {
          const go = keys[event.key];
          if (go === undefined) return;
          event.preventDefault();
          go();
        }}
      >
        {width > 0 && (
          <svg width={width} height={HEIGHT} aria-hidden="true">
            {still}
            {pickedMs !== null && (
              <>
                <line class="cursor" x1={x(pickedMs)} x2={x(pickedMs)} y1={TOP} y2={bottom} />
                {known.map((one, i) => {
                  const value = one.values[picked];
                  return value != null && <circle key={one.label} class={`tone${i}`} cx={x(pickedMs)} cy={y(value)} r="4" />;
                })}
              </>
            )}
          </svg>
        )}
      </div>
    </figure>
  );
}

/** Without spreading tens of thousands of arguments. */
function lowHigh(values: readonly number[]): [number, number] {
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}

/** A bar for each value above zero, as wide as there is room. */
function bars(times: readonly number[], values: readonly (number | null)[], x: (ms: number) => number, y: (value: number) => number, width: number): string {
  const wide = Math.max(1.5, Math.min(12, ((width - LEFT - RIGHT) / Math.max(1, times.length)) * 0.8));
  return values.map((value, i) => {
    if (value === null || value <= 0) return "";
    return `M${(x(times[i] as number) - wide / 2).toFixed(1)} ${y(0).toFixed(1)}V${y(value).toFixed(1)}h${wide.toFixed(1)}V${y(0).toFixed(1)}z`;
  }).join("");
}

/** A run of points; one by itself is a dot, which a line of no length with round ends is. */
function line(run: readonly [number, number][], x: (ms: number) => number, y: (value: number) => number): string {
  const points = run.map(([ms, value]) => `${x(ms).toFixed(1)} ${y(value).toFixed(1)}`);
  return `M${points.join("L")}${points.length === 1 ? "h0" : ""}`;
}

function Times({ from, until, x, width }: { from: number; until: number; x: (ms: number) => number; width: number }) {
  const { step, at } = timeMarks(from, until, Math.max(2, Math.floor((width - LEFT - RIGHT) / 72)));
  return (
    <>
      {at.map((ms) => (
        <g key={ms}>
          <line class="grid" x1={x(ms)} x2={x(ms)} y1={TOP} y2={HEIGHT - BOTTOM} />
          <text x={Math.min(width - 20, Math.max(LEFT, x(ms)))} y={HEIGHT - 8} text-anchor="middle">{clock(ms, step)}</text>
        </g>
      ))}
    </>
  );
}

/** Arrows that fly with the wind, no closer together than they can be told apart. */
function Winds({ times, winds, x, width, y }: { times: readonly number[]; winds: readonly (number | null)[]; x: (ms: number) => number; width: number; y: number }) {
  let before = Number.NEGATIVE_INFINITY;
  return (
    <g class="winds">
      {times.map((ms, i) => {
        const deg = winds[i];
        const at = x(ms);
        if (deg == null || at - before < 26 || at > width - RIGHT) return null;
        before = at;
        return <path key={ms} d="M0 -7L4 6L0 3L-4 6z" transform={`translate(${at.toFixed(1)} ${y}) rotate(${deg + 180})`} />;
      })}
    </g>
  );
}
