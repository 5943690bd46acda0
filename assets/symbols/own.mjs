// Shapes drawn for Godwit, in a cell of 32 by 32 with north up. `c` is filled with the symbol's colour, `w` with white.
// Views from above point north and keep their middle plain: the map turns them and writes overlay characters there.

const circle = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 1 ${2 * r} 0a${r} ${r} 0 1 1 ${-2 * r} 0Z`;
const box = (x, y, w, h, r) =>
  `M${x + r} ${y}h${w - 2 * r}a${r} ${r} 0 0 1 ${r} ${r}v${h - 2 * r}a${r} ${r} 0 0 1 ${-r} ${r}h${2 * r - w}a${r} ${r} 0 0 1 ${-r} ${-r}v${2 * r - h}a${r} ${r} 0 0 1 ${r} ${-r}Z`;

export const OWN = {
  /** Not assigned by the specification. */
  none: { c: "M16 8a8 8 0 1 1 0 16a8 8 0 0 1 0-16ZM16 10.4a5.6 5.6 0 0 0-4.4 9l7.9-7.9a5.6 5.6 0 0 0-3.5-1.1ZM20.6 12.8l-7.9 7.9a5.6 5.6 0 0 0 7.9-7.9Z" },
  disc: { c: circle(16, 16, 11) },
  dot: { c: circle(16, 16, 8) },
  "dot-small": { c: circle(16, 16, 5) },
  square: { c: box(5.5, 5.5, 21, 21, 3) },
  diamond: { c: "M16 3.5q1 0 1.7.7l10.1 10.1q1.7 1.7 0 3.4L17.7 27.8q-1.7 1.7-3.4 0L4.2 17.7q-1.7-1.7 0-3.4L14.3 4.2q.7-.7 1.7-.7Z" },
  triangle: { c: "M16 3.5q1.3 0 2 1.2l10.3 17.8q1.3 2.8-2 3H5.7q-3.3-.2-2-3L14 4.7q.7-1.2 2-1.2Z" },
  /** Incident command post: a square, split along its diagonal. */
  "split-square": { c: box(5.5, 5.5, 21, 21, 3), w: "M8.2 23.8v-15.6h.2L23.8 23.8Z" },
  /** Civil defence: a triangle in a disc. */
  "cd-triangle": { c: circle(16, 16, 12), w: "M16 5.6 25 21.2H7Z", c2: "M16 9.2 21.9 19.4H10.1Z" },
  /** Gale: two pennants on a mast. */
  "two-flags": { c: "M8 4h2.6v1L25 9.6 10.6 14.2v1L25 19.8l-14.4 4.6V28H8Z" },
  /** Value sign: a plate on a post, three digits wide. */
  "text-sign": { c: `${box(3.5, 7, 25, 13, 2.5)}M14.6 20h2.8v8h-2.8Z`, w: box(5.7, 9.2, 20.6, 8.6, 1) },
  "car-top": {
    c: "M16 3c3.6 0 5.6 1.2 6 4.2l.4 5.3 2 1.2v1.6l-1.9-.4V25c0 2.7-2 4-6.5 4s-6.5-1.3-6.5-4V14.900l-1.9.4v-1.600l2-1.200L10 7.200C10.4 4.2 12.4 3 16 3Z",
    w: "M11.4 12.300q4.6-2.3 9.2 0l-.9 2.300q-3.7-1-7.4 0ZM12 24.600q4 1 8 0l.4 1.600q-4.4 1.3-8.8 0Z",
  },
  "suv-top": {
    c: "M12.5 3h7q3 0 3.2 3l.3 6 2 1.200v1.700l-2-.5V26q0 3-3 3h-8q-3 0-3-3V14.400l-2 .5v-1.700l2-1.2.3-6q.2-3 3.2-3Z",
    w: "M11.2 10.400q4.8-2 9.6 0l-.7 2.600q-4.1-1-8.2 0ZM11.7 25.300h8.600v1.900h-8.600Z",
  },
  "van-top": {
    c: "M12.5 2.500h7q3 0 3.4 3l.3 3.5 1.8 1v1.700l-1.7-.4V27q0 2.5-2.5 2.500h-9.600q-2.5 0-2.5-2.500V11.300l-1.7.4V10l1.8-1 .3-3.500q.4-3 3.4-3Z",
    w: "M11 6.800q5-2 10 0l-.5 2.800q-4.5-1-9 0Z",
  },
  "truck-top": {
    c: `M13 2.500h6q2 0 2.3 2l.5 4.500h-11.600l.5-4.500Q11 2.5 13 2.500Z${box(9, 9, 14, 20.5, 1.4)}`,
    w: "M12.2 5q3.8-1.2 7.6 0l.2 1.700h-8ZM9 8.300h14v1.100H9Z",
  },
  "boat-top": { c: "M16 2c4.2 3.6 6.8 8.2 6.8 13.6 0 4.6-.7 9-1.8 12.400q-.4 1.5-2 1.500h-6q-1.6 0-2-1.500C9.9 24.6 9.2 20.2 9.2 15.6 9.2 10.2 11.8 5.6 16 2Z", w: "M16 5.400c1.9 2 3.2 4.2 3.9 6.600h-7.800c.7-2.4 2-4.6 3.9-6.600Z" },
  "glider-top": { c: "M16 3.500c1.3 0 1.9 2.4 2 6.300l12 2q1 .2 1 1.200t-1 1l-12.3.6-.7 9.4 3.7 1v1.800l-4.7.7-4.7-.7V25l3.7-1-.7-9.400L2 14q-1 0-1-1t1-1.200l12-2c.1-3.9.7-6.3 2-6.300Z" },
  /** Weather station: an anemometer's three cups on a mast, with the vane below. */
  weather: { c: circle(16, 16, 12), w: "M8.5 13h9.300a2 2 0 1 0-1.9-2.600h-2a4 4 0 1 1 3.9 4.600H8.500ZM8.5 17h12.700a3.7 3.7 0 1 1-3.6 4.600h2.100a1.7 1.7 0 1 0 1.5-2.600H8.500ZM8.5 21h7v2h-7Z" },
  "weather-plain": { c: circle(16, 16, 12) },
  cloud: { c: "M9.5 25.500a6.5 6.5 0 0 1-.8-12.950A8.2 8.2 0 0 1 24.4 14.100a5.750 5.750 0 0 1-.9 11.400Z" },
  pin: { c: "M16 2.500c5.7 0 10 4.2 10 9.7 0 6-5 10.8-10 17.300C11 23 6 18.2 6 12.2 6 6.7 10.3 2.5 16 2.500Z" },
  house: { c: "M16 3.500q.8 0 1.5.6L29 14.200q.6.6.2 1.300t-1.2.7H26v10.300q0 2-2 2H8q-2 0-2-2V16.200H4q-.8 0-1.2-.7t.2-1.300L14.5 4.100q.7-.6 1.5-.6Z" },
};
