/** The units that a viewer can choose, each quantity by itself, and the usual sets of them. */
import { kept } from "./settings";

export const UNIT_CHOICES = {
  speed: ["kmh", "mph", "kn", "ms"],
  distance: ["km", "mi", "nmi"],
  altitude: ["m", "ft"],
  temperature: ["c", "f"],
  wind: ["ms", "kmh", "mph", "kn", "bft"],
  pressure: ["hpa", "inhg", "mmhg"],
  rain: ["mm", "in"],
} as const;

export type Quantity = keyof typeof UNIT_CHOICES;
export type Units = { readonly [Q in Quantity]: (typeof UNIT_CHOICES)[Q][number] };

/** How each unit is written; the same in all our languages. */
export const UNIT_SYMBOLS: Readonly<Record<string, string>> = {
  kmh: "km/h", mph: "mph", kn: "kn", ms: "m/s", km: "km", mi: "mi", nmi: "nmi", m: "m", ft: "ft", c: "°C", f: "°F",
  bft: "Bft", hpa: "hPa", inhg: "inHg", mmhg: "mmHg", mm: "mm", in: "in",
};

export const PRESETS = {
  metric: { speed: "kmh", distance: "km", altitude: "m", temperature: "c", wind: "ms", pressure: "hpa", rain: "mm" },
  imperial: { speed: "mph", distance: "mi", altitude: "ft", temperature: "f", wind: "mph", pressure: "inhg", rain: "in" },
  nautical: { speed: "kn", distance: "nmi", altitude: "ft", temperature: "c", wind: "kn", pressure: "hpa", rain: "mm" },
} as const satisfies Record<string, Units>;

export type Preset = keyof typeof PRESETS;

/** Where miles and Fahrenheit are what people grew up with. */
const IMPERIAL_REGIONS = ["US", "LR", "MM"];

/** What a viewer begins with: by region, never by language alone. */
export function usualUnits(locale: string): Units {
  const region = /-([A-Za-z]{2})\b/.exec(locale)?.[1]?.toUpperCase() ?? "";
  if (IMPERIAL_REGIONS.includes(region)) return PRESETS.imperial;
  return region === "GB" ? { ...PRESETS.metric, speed: "mph", distance: "mi", wind: "mph" } : PRESETS.metric;
}

/** Units as stored; what is missing or not a unit is as usual. */
export function readUnits(stored: string | null, usual: Units): Units {
  if (stored !== null && Object.hasOwn(PRESETS, stored)) return PRESETS[stored as Preset];
  let kept: unknown = null;
  try {
    kept = JSON.parse(stored ?? "null");
  } catch {
    // Not ours.
  }
  const of = (quantity: Quantity) => (kept as Record<string, unknown> | null)?.[quantity];
  return Object.fromEntries(Object.entries(UNIT_CHOICES).map(([quantity, choices]) => {
    const found = (choices as readonly unknown[]).includes(of(quantity as Quantity)) ? of(quantity as Quantity) : usual[quantity as Quantity];
    return [quantity, found];
  })) as unknown as Units;
}

export function presetOf(units: Units): Preset | "" {
  const same = (preset: Units) => (Object.keys(preset) as Quantity[]).every((quantity) => preset[quantity] === units[quantity]);
  return (Object.keys(PRESETS) as Preset[]).find((one) => same(PRESETS[one])) ?? "";
}

const here = typeof navigator === "undefined" ? "" : navigator.language;
/** What the viewer chose, kept in this browser. */
export const units = kept<Units>("godwit.units", (stored) => readUnits(stored, usualUnits(here)), JSON.stringify);
