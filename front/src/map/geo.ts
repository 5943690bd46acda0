/** Ways on the sphere, as points. Degrees and kilometres. Longitudes go on beyond ±180. */
import { EARTH_KM, way } from "../ui/geo";
import type { LatLng } from "../ui/url";

const RAD = Math.PI / 180;

/** Where one comes to after a distance along a bearing; the longitude goes on beyond ±180. */
export function destination(from: LatLng, bearing: number, km: number): LatLng {
  const far = km / EARTH_KM;
  const lat1 = from.lat * RAD;
  const lat = Math.asin(Math.max(-1, Math.min(1, Math.sin(lat1) * Math.cos(far) + Math.cos(lat1) * Math.sin(far) * Math.cos(bearing * RAD))));
  const lng = Math.atan2(Math.sin(bearing * RAD) * Math.sin(far) * Math.cos(lat1), Math.cos(far) - Math.sin(lat1) * Math.sin(lat));
  return { lat: lat / RAD, lng: from.lng + lng / RAD };
}

/** Points along the great circle, ends included; longitudes follow each other without a jump. */
export function greatCircle(a: LatLng, b: LatLng): LatLng[] {
  const { km, deg } = way(a, b);
  const steps = Math.max(1, Math.min(128, Math.ceil(km / 100)));
  const points = [a];
  for (let i = 1; i <= steps; i++) {
    const next = i === steps ? { ...b } : destination(a, deg, (km * i) / steps);
    const before = points[i - 1] as LatLng;
    next.lng -= Math.round((next.lng - before.lng) / 360) * 360;
    points.push(next);
  }
  return points;
}

/** A circle on the ground as a ring of points. */
export function circle(centre: LatLng, km: number): LatLng[] {
  return Array.from({ length: 73 }, (_, i) => destination(centre, i * 5, km));
}
