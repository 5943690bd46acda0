/** Weather of a card. A value that is absent is unknown and not shown; never a zero. */
import { type Units, bearing, rain, temperature, windSpeed } from "./format";
import { number, t } from "./i18n";
import { units } from "./settings";
import type { TextKey } from "./i18n";

const FORMATS: Readonly<Record<string, (value: number, units: Units) => string>> = {
  temperature_c: temperature,
  wind_speed_ms: windSpeed,
  wind_gust_ms: windSpeed,
  wind_direction_deg: bearing,
  humidity_percent: (value) => `${number(value)} %`,
  pressure_hpa: (value) => `${number(value, 1, true)} hPa`,
  rain_1h_mm: rain,
  rain_24h_mm: rain,
  rain_midnight_mm: rain,
  rain_since_midnight_mm: rain,
  snow_mm: rain,
  snow_24h_mm: rain,
  luminosity_wm2: (value) => `${number(value)} W/m²`,
};

export function WeatherValues({ weather }: { weather: Record<string, number> }) {
  const known = Object.keys(FORMATS).filter((key) => Number.isFinite(weather[key]));
  if (known.length === 0) return null;
  return (
    <dl class="figures weather">
      {known.map((key) => (
        <div class="row" key={key}>
          <dt>{t(`weather.${key}` as TextKey)}</dt>
          <dd>{FORMATS[key]?.(weather[key] as number, units.value)}</dd>
        </div>
      ))}
    </dl>
  );
}
