/**
 * What an object's packet says of its look beyond the symbol: area objects (symbol `\l`, chapter 11 of the specification)
 * and signposts (`\m`). Read from the line as received.
 */

export interface Area {
  shape: "circle" | "line" | "ellipse" | "triangle" | "box";
  filled: boolean;
  /** Extent from the object's place, degrees: to the south, and to the east (negative: west). */
  south: number;
  east: number;
  /** 0-15: black, blue, green, cyan, red, violet, yellow, grey, and the same dimmer. */
  colour: number;
  /** Half width of a corridor along a line, km. */
  corridorKm: number;
}

const KM_PER_MILE = 1.609344;
/** By the first digit. */
const SHAPES = ["circle", "line", "ellipse", "triangle", "box", "circle", "line", "ellipse", "triangle", "box"] as const;
/** A plain position with the symbol behind it; groups: what follows. */
const AREA = /\\[\d .]{8}[EW]l(\d)(\d\d)(?:\/(\d)|1([0-5]))(\d\d)(?:\{(\d{1,3})\})?/;
const SIGN = /\\[\d .]{8}[EW]m[^{]*\{([^{}]{1,3})\}/;

/** Bright enough on either ground; the last eight are the dim ones. */
export const COLOURS = [
  "#3a3a3a", "#2f6fe0", "#1f9d55", "#1aa3b8", "#d8352a", "#9146c8", "#d6a400", "#8a8f94",
  "#1d1d1d", "#1d448c", "#136338", "#10656f", "#8c2018", "#5a2a7d", "#8a6a00", "#55595d",
] as const;

export function areaOf(raw: string): Area | null {
  const [, shape, yy, dim, bright, xx, miles] = AREA.exec(raw) ?? [];
  if (shape === undefined) return null;
  const type = Number(shape);
  const [south, east] = [Number(yy), Number(xx)];
  return {
    shape: SHAPES[type] as Area["shape"],
    filled: type === 5 || type >= 7,
    south: (south * south) / 100,
    east: ((east * east) / 100) * (type === 6 ? -1 : 1),
    colour: dim !== undefined ? Number(dim) : 10 + Number(bright),
    corridorKm: (type === 1 || type === 6) && miles !== undefined ? Number(miles) * KM_PER_MILE : 0,
  };
}

/** What stands on a signpost: one to three characters, or null. */
export function signOf(raw: string): string | null {
  return SIGN.exec(raw)?.[1] ?? null;
}
