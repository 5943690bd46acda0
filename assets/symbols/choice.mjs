// Where the drawing departs from symbol-map.tsv, and why. Keys: table + code.
// turn: degrees that bring the icon's nose to north; size: optical correction.
const plain = "solid shape, so that an overlay character reads on it";

export const CHOICE = {
  "/^": { turn: -45 },
  "\\^": { turn: -45 },
  "/g": { set: "own", icon: "glider-top", why: "the icon is a side view, the symbol turns" },
  "\\k": { set: "own", icon: "suv-top", why: "from above" },
  "\\u": { set: "own", icon: "truck-top", why: "from above" },
  "\\v": { set: "own", icon: "van-top", why: "from above" },
  "/_": { set: "own", icon: "weather" },
  "\\_": { set: "own", icon: "weather-plain", why: plain },
  "/&": { set: "own", icon: "diamond" },
  "\\&": { set: "own", icon: "diamond" },
  "\\a": { set: "own", icon: "diamond", why: plain },
  "\\0": { set: "own", icon: "disc", why: plain },
  "\\A": { set: "own", icon: "square", why: plain },
  "\\n": { set: "own", icon: "triangle", why: plain },
  "\\(": { set: "own", icon: "cloud", why: plain },
  "\\W": { set: "own", icon: "cloud", why: plain },
  "\\-": { set: "own", icon: "house", why: plain },
  "\\i": { set: "own", icon: "pin", why: plain },
  "\\o": { set: "own", icon: "dot-small" },
  "//": { set: "own", icon: "dot" },
};
