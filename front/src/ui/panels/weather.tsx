/** Weather of a card. A value that is absent is unknown and not shown; never a zero. */
import { bearing, pressure, rain, temperature, windSpeed } from "../format";
import { type TextKey, number, t } from "../i18n";
import { type Units, units } from "../units";

const FORMATS: Readonly<Record<string, (value: number, units: Units) => string>> = {
  temperature_c: temperature,
  humidity_percent: (value) => `${number(value)} %`,
  pressure_hpa: pressure,
  wind_direction_deg: bearing,
  wind_speed_ms: windSpeed,
  wind_gust_ms: windSpeed,
  rain_1h_mm: rain,
  rain_24h_mm: rain,
  rain_midnight_mm: rain,
  snow_24h_mm: rain,
  luminosity_wm2: (value) => `${number(value)} W/m²`,
  indoor_temperature_c: temperature,
  indoor_humidity_percent: (value) => `${number(value)} %`,
  radiation_nsvh: (value) => `${number(value)} nSv/h`,
  battery_v: (value) => `${number(value, 1)} V`,
};

export function WeatherValues({ weather }: { weather: Record<string, unknown> }) {
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
