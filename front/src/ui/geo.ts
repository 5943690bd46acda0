/** Distance and bearing on the globe. */
import type { LatLng } from "./url";

/** Mean radius; the globe is no ball, so distances are good to half a percent. */
export const EARTH_KM = 6371.0088;
const RAD = Math.PI / 180;

export interface Way {
  km: number;
  /** Initial bearing, 0-360 from true north. */
  deg: number;
}

export function way(from: LatLng, to: LatLng): Way {
  const [a, b] = [from.lat * RAD, to.lat * RAD];
  const east = (to.lng - from.lng) * RAD;
  const half = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(east / 2) ** 2;
  const deg = Math.atan2(Math.sin(east) * Math.cos(b), Math.cos(a) * Math.sin(b) - Math.sin(a) * Math.cos(b) * Math.cos(east)) / RAD;
  return { km: 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(half))), deg: (deg + 360) % 360 };
}
