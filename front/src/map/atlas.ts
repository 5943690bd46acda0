/**
 * The symbol sheet as the map needs it: rasterised at the device's pixel ratio, and where each symbol lies in it.
 * A sheet that cannot be loaded leaves plain dots: the map works all the same.
 */
import sheetUrl from "../../../assets/symbols/symbols.svg?url";

/** Cells of the sheet in a row; primary table first, alternate from cell 94 on. */
export const COLUMNS = 16;
export const ROWS = 12;
const FIRST = 33;
const CODES = 94;
const SLASH = 47;
/** No symbol: the cell after the last. */
export const NO_CELL = 2 * CODES;

/** Cells seen from above; put in at build time from assets/symbols/symbols.json. */
declare const __ROTATING_CELLS__: readonly number[];
const turns = new Set(__ROTATING_CELLS__);

/** The cell of a symbol; `NO_CELL` for a code outside the tables. */
export function cellOf(table: number, code: number): number {
  if (code < FIRST || code >= FIRST + CODES) return NO_CELL;
  return code - FIRST + (table === SLASH ? 0 : CODES);
}

/** The overlay character's place in the strip (0-9, A-Z: 0..35), or -1. */
export function overlayOf(table: number): number {
  if (table >= 48 && table <= 57) return table - 48;
  if (table >= 65 && table <= 90) return table - 55;
  return -1;
}

/** Whether a symbol is seen from above and turns with the course. */
export function rotates(cell: number): boolean {
  return turns.has(cell);
}

export interface Atlas {
  /** The sheet. */
  sheet: HTMLCanvasElement;
  /** Pixels of a cell. */
  cell: number;
  /** 36 characters in a row, each as wide as a cell. */
  strip: HTMLCanvasElement;
}

function canvas(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const element = document.createElement("canvas");
  element.width = width;
  element.height = height;
  const context = element.getContext("2d");
  if (context === null) throw new Error("this browser cannot draw");
  return [element, context];
}

/** Rasterises the sheet so that a symbol of `size` CSS pixels is crisp. */
export async function loadAtlas(size: number): Promise<Atlas> {
  const cell = Math.min(128, Math.ceil(size * Math.min(3, window.devicePixelRatio || 1)));
  const [sheet, context] = canvas(cell * COLUMNS, cell * ROWS);
  const image = new Image();
  image.decoding = "async";
  image.src = sheetUrl;
  try {
    await image.decode();
    context.drawImage(image, 0, 0, sheet.width, sheet.height);
  } catch {
    context.fillStyle = "#3b6ea5";
    for (let at = 0; at < COLUMNS * ROWS; at++) {
      context.beginPath();
      context.arc(((at % COLUMNS) + 0.5) * cell, (Math.floor(at / COLUMNS) + 0.5) * cell, cell / 4, 0, 7);
      context.fill();
    }
  }
  const [strip, text] = canvas(cell * 36, cell);
  text.font = `800 ${Math.round(cell * 0.5)}px system-ui, sans-serif`;
  text.textAlign = "center";
  text.textBaseline = "middle";
  text.lineWidth = cell * 0.12;
  text.lineJoin = "round";
  text.strokeStyle = "#fff";
  text.fillStyle = "#111";
  for (let at = 0; at < 36; at++) {
    const character = at.toString(36).toUpperCase();
    text.strokeText(character, (at + 0.5) * cell, cell * 0.53);
    text.fillText(character, (at + 0.5) * cell, cell * 0.53);
  }
  return { sheet, cell, strip };
}

export { sheetUrl };
