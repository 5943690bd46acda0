/** Places for things that lie on each other: on a circle, from the eleventh on along a spiral. */

const ON_CIRCLE = 10;
/** Pixels between two neighbours: a symbol and room for its name. */
const APART = 44;

/** Where the i-th of n stands, from the middle of them all. */
export function fanPlace(i: number, n: number): [number, number] {
  if (n <= ON_CIRCLE) {
    const radius = Math.max(46, (APART * n) / (2 * Math.PI));
    // Not straight up and down: names stand beside their symbols.
    const turn = ((i + 0.5) / n) * 2 * Math.PI;
    return [Math.sin(turn) * radius, -Math.cos(turn) * radius];
  }
  // Archimedean: turns are 56 pixels apart, neighbours on a turn APART.
  let turn = 5;
  for (let k = 0; k < i; k++) turn += APART / ((56 / (2 * Math.PI)) * turn);
  const radius = (56 / (2 * Math.PI)) * turn;
  return [Math.sin(turn) * radius, -Math.cos(turn) * radius];
}
