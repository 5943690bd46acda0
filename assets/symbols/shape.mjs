// Path geometry for the symbol atlas: bounds, outer contours, fitting into a cell.
// Works on SVG path text through the package svgpath; curves are sampled, which is ample at icon size.
import svgpath from "svgpath";

/** Splits path text into closed-off subpaths, each absolute and free of arcs and shorthands. */
export function subpaths(d) {
  const parts = [];
  svgpath(d).abs().unarc().unshort().iterate((segment, _index, x, y) => {
    const [command, ...values] = segment;
    if (command === "M") parts.push({ segments: [], points: [] });
    const part = parts.at(-1);
    part.segments.push(segment);
    part.points.push(...sample(command, values, x, y));
  });
  return parts.map(({ segments, points }) => ({ d: segments.map((s) => s[0] + s.slice(1).join(" ")).join(""), points }));
}

function sample(command, v, x, y) {
  const at = (f) => Array.from({ length: 12 }, (_, i) => f((i + 1) / 12));
  if (command === "H") return [[v[0], y]];
  if (command === "V") return [[x, v[0]]];
  if (command === "C") {
    return at((t) => {
      const u = 1 - t;
      const mix = (a, b, c, e) => u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * e;
      return [mix(x, v[0], v[2], v[4]), mix(y, v[1], v[3], v[5])];
    });
  }
  if (command === "Q") {
    return at((t) => {
      const u = 1 - t;
      return [u * u * x + 2 * u * t * v[0] + t * t * v[2], u * u * y + 2 * u * t * v[1] + t * t * v[3]];
    });
  }
  return command === "Z" || command === "z" ? [] : [[v[0], v[1]]];
}

/** [west, north, east, south] of a path. */
export function bounds(d) {
  const points = subpaths(d).flatMap((part) => part.points);
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** The contours that lie inside no other: what the halo follows, so that windows and letters are light, not see-through. */
export function outline(d) {
  const parts = subpaths(d).filter((part) => part.points.length > 1);
  const outer = parts.filter((part) => !parts.some((other) => other !== part && area(other.points) > area(part.points) && inside(part.points[0], other.points)));
  return outer.map((part) => part.d).join("");
}

function area(points) {
  let sum = 0;
  points.forEach(([x, y], i) => {
    const [nx, ny] = points[(i + 1) % points.length];
    sum += x * ny - nx * y;
  });
  return Math.abs(sum / 2);
}

function inside([x, y], points) {
  let odd = false;
  points.forEach(([ax, ay], i) => {
    const [bx, by] = points[(i + 1) % points.length];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  });
  return odd;
}

/** Path text as short as it gets: relative, rounded, no leading zeros. */
export function compact(path, decimals = 2) {
  return path.rel().round(decimals).toString().replace(/(^|[^\d.])0\./g, "$1.").replace(/ (?=[-a-zA-Z])/g, "");
}

export { svgpath };
