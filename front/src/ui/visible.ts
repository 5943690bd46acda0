/**
 * Text from the air, made safe to read: characters that turn the direction of writing or show nothing become visible, so
 * that a line reads in the order in which it was sent. Letters of any script stay as they are.
 */

/** First and last of each: controls but tab and line ends, marks and overrides of direction, what is invisible, tags. */
const UNSEEN: readonly (readonly [number, number])[] = [
  [0x00, 0x08], [0x0b, 0x0c], [0x0e, 0x1f], [0x7f, 0x9f], [0x61c, 0x61c], [0x200b, 0x200b], [0x200e, 0x200f], [0x2028, 0x202e], [0x2060, 0x206f],
  [0xfeff, 0xfeff], [0xfff9, 0xfffb], [0xe0000, 0xe007f],
];

/** A sign of its own for the controls of ASCII, "[U+202E]" for the others. */
function sign(code: number): string {
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
}

export function visible(text: string): string {
  let shown = "";
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    shown += UNSEEN.some(([first, last]) => code >= first && code <= last) ? sign(code) : character;
  }
  return shown;
}
