/** The Maidenhead grid: fields of 20° by 10°, squares of 2° by 1°, subsquares of 5' by 2.5', extended squares of a tenth of that. */

/** Degrees of longitude of a cell, by the pairs of characters that name it; of latitude it is half of that. */
export const CELL_DEG = [20, 2, 1 / 12, 1 / 120] as const;

/** The locator of a point, with one to four pairs of characters. */
export function locatorOf(lat: number, lng: number, pairs: number): string {
  const x = Math.min(359.999999, Math.max(0, ((((lng + 180) % 360) + 360) % 360)));
  const y = Math.min(179.999999, Math.max(0, lat + 90));
  let text = "";
  for (let pair = 0; pair < pairs; pair++) {
    const wide = CELL_DEG[pair] as number;
    const before = CELL_DEG[pair - 1];
    // A hair is added: 1/12 is no binary number, and an edge belongs to the cell east and north of it.
    const column = Math.floor(((before === undefined ? x : x % before) + 1e-9) / wide);
    const row = Math.floor(((before === undefined ? y : y % (before / 2)) + 1e-9) / (wide / 2));
    const last = pair === 0 ? 17 : pair === 2 ? 23 : 9;
    text += [column, row].map((n) => (pair % 2 === 0 ? String.fromCharCode(65 + Math.min(n, last)) : String(Math.min(n, last)))).join("");
  }
  return text;
}
