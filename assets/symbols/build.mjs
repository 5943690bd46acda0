// Builds symbols.svg (the atlas) and symbols.json (what each cell is) from symbol-map.tsv and the icon packages.
// Atlas: cells of 32 by 32, 16 columns by 12 rows, row by row: primary table 0x21-0x7E, then alternate table 0x21-0x7E.
import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";
import { bounds, compact, outline, subpaths, svgpath } from "./shape.mjs";
import { OWN } from "./own.mjs";
import { CHOICE } from "./choice.mjs";

const CELL = 32;
const COLUMNS = 16;
const ROWS = 12;
const HALO = 3.4;
/** Told apart by people with any common colour vision: they differ in lightness, not in hue alone. */
const COLOURS = { blue: "#1768ac", red: "#cf3a24", green: "#00785a", orange: "#d97a00", brown: "#80502a", grey: "#5a6672", black: "#1f262d" };
const FOLDERS = {
  mdi: ["@mdi/svg/svg", 24],
  maki: ["@mapbox/maki/icons", 15],
  temaki: ["@rapideditor/temaki/icons", 15],
  tabler: ["@tabler/icons/icons/outline", 24],
  lucide: ["lucide-static/icons", 24],
};

const here = (path) => new URL(path, import.meta.url);

function table() {
  const [, ...lines] = readFileSync(here("symbol-map.tsv"), "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [tableId, code, name, set, icon, , , colour, overlay, rotates] = line.split("\t");
    const choice = CHOICE[tableId + code] ?? {};
    const meant = set !== "" && icon !== "none" && icon !== "";
    return {
      table: tableId, code, name: meant ? name.replace(/ \(neutral[^)]*\)/, "") : name.replace(/[()]/g, "").replace(/^./, (c) => c.toUpperCase()), set, icon: meant ? icon : "none", colour: meant ? colour : "grey",
      rotates: rotates === "y", overlay: overlay === "y", ...(meant ? {} : { set: "own" }), ...choice,
    };
  });
}

/** An icon of a package: its filled contours and its stroked ones. */
function read(set, icon) {
  const [folder] = FOLDERS[set];
  const svg = readFileSync(here(`../node_modules/${folder}/${icon}.svg`), "utf8").replace(/&#x[9A];/g, " ");
  const all = [...svg.matchAll(/<(?!svg|g|path|\/|\?|!)(\w+)/g)].map((m) => m[1]);
  if (all.length > 0) throw new Error(`${set}/${icon}: only paths are read, found ${all.join(", ")}`);
  const stroked = /stroke-width="2"/.test(svg);
  const paths = [...svg.matchAll(/<path\b([^>]*)>/gs)].filter((m) => !/stroke="none"/.test(m[1])).map((m) => {
    if (/transform=/.test(m[1])) throw new Error(`${set}/${icon}: a path with a transform`);
    return /\bd="([^"]*)"/s.exec(m[1])[1];
  });
  return { d: paths.join(""), stroked };
}

/** Places a path so that its bounds sit in the middle of the cell: wide or tall shapes reach further than full ones. */
function fit(d, { turn = 0, size = 1, pad = 0 }) {
  const turned = svgpath(d).rotate(turn).toString();
  const [w, n, e, s] = bounds(turned);
  const [width, height] = [e - w + pad, s - n + pad];
  const scale = size * Math.min(25.5 / Math.max(width, height), 22.5 / Math.sqrt(width * height));
  return { path: svgpath(turned).translate(-(w + e) / 2, -(n + s) / 2).scale(scale).translate(CELL / 2, CELL / 2), scale };
}

/** How much a shape must shrink about the middle of its cell to leave room for the halo, and for turning if it turns. */
function shrink(d, rotates) {
  const middle = CELL / 2;
  const reach = subpaths(d).flatMap((part) => part.points).map(([x, y]) => (rotates ? Math.hypot(x - middle, y - middle) : Math.max(Math.abs(x - middle), Math.abs(y - middle))));
  return Math.min(1, (middle - HALO / 2 - 0.3) / Math.max(...reach));
}

const shrunk = (d, factor) => svgpath(d).translate(-CELL / 2, -CELL / 2).scale(factor).translate(CELL / 2, CELL / 2).toString();

/** The layers of a symbol, bottom first: [fill, path text, stroke width]. */
function draw(symbol, x, y) {
  const place = (d) => compact(svgpath(d).translate(x, y));
  // Without windows one path does for halo and colour; with windows the halo's is the outer contours alone.
  const haloed = (d) => (outline(d) === subpaths(d).map((part) => part.d).join("") ? [["solid", place(d), HALO, colour]] : [["halo", place(outline(d)), HALO], [colour, place(d)]]);
  const colour = COLOURS[symbol.colour];
  if (colour === undefined) throw new Error(`${symbol.table}${symbol.code}: no colour ${symbol.colour}`);
  if (symbol.set === "own") {
    const own = OWN[symbol.icon];
    if (own === undefined) throw new Error(`${symbol.table}${symbol.code}: no own shape ${symbol.icon}`);
    const factor = shrink(own.c, symbol.rotates);
    const layers = haloed(shrunk(own.c, factor));
    if (own.w) layers.push(["#fff", place(shrunk(own.w, factor))]);
    if (own.c2) layers.push(["top", place(shrunk(own.c2, factor)), 0, colour]);
    return layers;
  }
  const { d, stroked } = read(symbol.set, symbol.icon);
  if (stroked) {
    const { path, scale } = fit(d, { ...symbol, pad: 2 });
    const line = compact(path.translate(x, y));
    return [["line-halo", line, 2 * scale + HALO], ["line", line, 2 * scale, colour]];
  }
  const fitted = fit(d, symbol).path.toString();
  const placed = shrunk(fitted, shrink(fitted, symbol.rotates));
  return haloed(placed);
}

/** A symbol that reached over its cell would show up as a fleck beside its neighbour. */
function inCell(symbol, d, x, y, reach) {
  const [west, north, east, south] = bounds(d);
  const room = Math.min(west - x, north - y, x + CELL - east, y + CELL - south) - reach;
  if (room < 0.2) throw new Error(`${symbol.table}${symbol.code} ${symbol.icon}: ${room.toFixed(2)} from the edge of its cell`);
}

function build() {
  const symbols = table();
  if (symbols.length !== 188) throw new Error(`symbol-map.tsv has ${symbols.length} symbols, not 188`);
  const groups = new Map([["halo", []]]);
  const lines = [];
  const tops = [];
  const solids = new Map();
  symbols.forEach((symbol, cell) => {
    const expected = `${cell < 94 ? "/" : "\\"}${String.fromCharCode(0x21 + (cell % 94))}`;
    if (symbol.table + symbol.code !== expected) throw new Error(`row ${cell + 2} is ${symbol.table}${symbol.code}, not ${expected}`);
    const [x, y] = [(cell % COLUMNS) * CELL, Math.floor(cell / COLUMNS) * CELL];
    for (const [kind, d, width, colour] of draw(symbol, x, y)) {
      inCell(symbol, d, x, y, (width ?? 0) / 2);
      if (kind === "solid") solids.set(colour, [...(solids.get(colour) ?? []), d]);
      else if (kind === "top") tops.push(`<path fill="${colour}" d="${d}"/>`);
      else if (kind.startsWith("line")) lines.push(`<path stroke="${colour ?? "#fff"}" stroke-width="${width.toFixed(2)}" d="${d}"/>`);
      else if (groups.has(kind)) groups.get(kind).push(d);
      else groups.set(kind, [d]);
    }
  });
  const white = groups.get("#fff");
  groups.delete("#fff");
  const path = (d) => `<path d="${d}"/>`;
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${COLUMNS * CELL}" height="${ROWS * CELL}" viewBox="0 0 ${COLUMNS * CELL} ${ROWS * CELL}">`,
    `<g fill="#fff" stroke="#fff" stroke-width="${HALO}" stroke-linejoin="round">${groups.get("halo").map(path).join("\n")}</g>`,
    `<g stroke="#fff" stroke-width="${HALO}" stroke-linejoin="round" paint-order="stroke">`,
    ...[...solids].map(([colour, list]) => `<g fill="${colour}">${list.map(path).join("\n")}</g>`),
    "</g>",
    ...[...groups].filter(([kind]) => kind !== "halo").map(([kind, list]) => `<g fill="${kind}">${list.map(path).join("\n")}</g>`),
    `<g fill="#fff">${(white ?? []).map(path).join("\n")}</g>`,
    ...tops,
    `<g fill="none" stroke-linecap="round" stroke-linejoin="round">${lines.join("\n")}</g>`,
    "</svg>\n",
  ].join("\n");
  writeFileSync(here("symbols.svg"), svg);

  const rows = symbols.map((s) => JSON.stringify({ table: s.table, code: s.code, name: s.name, colour: COLOURS[s.colour], rotates: s.rotates, overlay: s.overlay }));
  writeFileSync(here("symbols.json"), `{"cell":${CELL},"columns":${COLUMNS},"rows":${ROWS},"symbols":[\n${rows.join(",\n")}\n]}\n`);
  console.log(`symbols.svg ${svg.length} bytes, ${brotliCompressSync(Buffer.from(svg)).length} with brotli`);
}

build();
