/** Web Mercator, 0..1 from the west and from the north. */

export function toX(lng: number): number {
  return lng / 360 + 0.5;
}

export function toY(lat: number): number {
  const s = Math.sin((Math.max(-85.05113, Math.min(85.05113, lat)) * Math.PI) / 180);
  return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
}

/** The copies of the world (0 is the middle one) that a view from `west` to `east` shows. */
export function copies(west: number, east: number): number[] {
  const list = [];
  for (let copy = Math.floor(west); copy <= Math.floor(east) && list.length < 5; copy++) list.push(copy);
  return list;
}
