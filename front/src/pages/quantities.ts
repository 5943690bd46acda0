/** What is measured, as numbers in the unit that the viewer chose: for the axis of a chart. Reading out is `ui/format`. */
import { HPA_PER_INHG, HPA_PER_MMHG, KMH_PER_MS, KM_PER_MILE, KM_PER_NAUTICAL_MILE, MM_PER_INCH, beaufort } from "../ui/format";
import { UNIT_SYMBOLS, type Quantity, type Units } from "../ui/units";

type Measured = Extract<Quantity, "temperature" | "wind" | "pressure" | "rain">;

/** From °C, m/s, hPa and mm. */
const INTO: { readonly [Q in Measured]: Readonly<Record<string, (value: number) => number>> } = {
  temperature: { c: (value) => value, f: (value) => value * 1.8 + 32 },
  wind: {
    ms: (value) => value,
    kmh: (value) => value * KMH_PER_MS,
    mph: (value) => (value * KMH_PER_MS) / KM_PER_MILE,
    kn: (value) => (value * KMH_PER_MS) / KM_PER_NAUTICAL_MILE,
    bft: beaufort,
  },
  pressure: { hpa: (value) => value, inhg: (value) => value / HPA_PER_INHG, mmhg: (value) => value / HPA_PER_MMHG },
  rain: { mm: (value) => value, in: (value) => value / MM_PER_INCH },
};

/** How a quantity is turned into the chosen unit, and what that is called. */
export function shownIn(quantity: Measured, units: Units): { unit: string; into: (value: number) => number } {
  const unit = units[quantity];
  return { unit: UNIT_SYMBOLS[unit] ?? unit, into: INTO[quantity][unit] ?? ((value) => value) };
}

/** Magnus' formula with the constants of the WMO (Guide to Instruments, annex 4.B), over water: good to 0.4 K from -45 to 60 °C. */
export function dewPoint(celsius: number, humidityPercent: number): number | null {
  if (!(humidityPercent > 0 && humidityPercent <= 100)) return null;
  const gamma = Math.log(humidityPercent / 100) + (17.62 * celsius) / (243.12 + celsius);
  return (243.12 * gamma) / (17.62 - gamma);
}
