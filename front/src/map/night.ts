/** Where the sun stands, good to a tenth of a degree for this century (the almanac's low-precision formulas). */

const RAD = Math.PI / 180;

/** The point under the sun, degrees. */
export function subsolar(ms: number): { lat: number; lng: number } {
  const days = ms / 86_400_000 - 10_957.5;
  const anomaly = (357.528 + 0.9856003 * days) * RAD;
  const mean = 280.46 + 0.9856474 * days;
  const ecliptic = (mean + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * RAD;
  const tilt = (23.439 - 4e-7 * days) * RAD;
  const lat = Math.asin(Math.sin(tilt) * Math.sin(ecliptic)) / RAD;
  const ascension = Math.atan2(Math.cos(tilt) * Math.sin(ecliptic), Math.cos(ecliptic)) / RAD;
  const sidereal = 280.46061837 + 360.98564736629 * days;
  const lng = ((((ascension - sidereal + 180) % 360) + 360) % 360) - 180;
  return { lat, lng };
}

/** The latitude at which the sun is on the horizon for a longitude; the night lies beyond it, away from the sun's pole. */
export function terminator(sun: { lat: number; lng: number }, lng: number): number {
  // At an equinox the line runs through the poles: a hair of tilt keeps it a function of longitude.
  const tilt = Math.abs(sun.lat) < 0.01 ? (sun.lat < 0 ? -0.01 : 0.01) : sun.lat;
  return Math.atan(-Math.cos((lng - sun.lng) * RAD) / Math.tan(tilt * RAD)) / RAD;
}
