/**
 * The map: Leaflet for moving about, our own layers for what is seen. Drawn only when something changed or moves; a
 * hidden tab draws nothing.
 */
import "leaflet/dist/leaflet.css";
import "./map.css";
import L from "leaflet";
import type { LiveWorld, MapView } from "../live/types";
import { loadAtlas } from "./atlas";
import { Basemap, type Place, placesIn } from "./basemap";
import { drawDensity, drawPlaces } from "./ground";
import { Labels } from "./labels";
import { type Moves, moves } from "./moves";
import { Overlay } from "./overlay";
import { type Points, canvasPoints, glPoints } from "./points";
import { FIELDS, type Passes, Scene } from "./scene";
import { DARK, LIGHT } from "./theme";

export interface RasterMap {
  id: string;
  name: string;
  kind: string;
  url: string;
  attribution: string;
  max_zoom: number;
}

export interface MapOptions {
  view: { lat: number; lng: number; zoom: number };
  dark: boolean;
  basemaps: readonly RasterMap[];
  reducedMotion: boolean;
  /** In which names of countries are written. */
  language: string;
}

export interface MapHandle extends Moves {
  onMove(cb: (view: MapView, center: { lat: number; lng: number }, zoom: number) => void): void;
  onPick(cb: (slots: number[]) => void): void;
  setSelected(slot: number | null): void;
  /** Entities that are ringed and named, and shown whatever the filter says. */
  setMarked(slots: ReadonlySet<number>): void;
  /** Shows only what passes; null shows all. */
  setFilter(passes: Passes | null): void;
  setDark(dark: boolean): void;
  setLanguage(language: string): void;
  setBasemap(id: string): void;
  zoomIn(): void;
  zoomOut(): void;
  destroy(): void;
}

const CREDIT = "Natural Earth";

/** When GL takes over from Canvas 2D. */
const SETTLE_MS = 4000;

/** CSS pixels of a symbol at a zoom. */
export function symbolSize(zoom: number): number {
  return Math.round(Math.max(16, Math.min(30, 16 + (zoom - 5) * 2)));
}

export function createMap(element: HTMLElement, world: LiveWorld, options: MapOptions): MapHandle {
  const map = L.map(element, {
    zoomControl: false,
    center: options.view,
    zoom: options.view.zoom,
    minZoom: 2,
    maxZoom: 18,
    worldCopyJump: true,
    maxBounds: [[-86, -Infinity], [86, Infinity]],
    maxBoundsViscosity: 1,
    fadeAnimation: !options.reducedMotion,
    inertia: !options.reducedMotion,
  });
  map.attributionControl.setPrefix(false);
  let theme = options.dark ? DARK : LIGHT;
  const embedded = new Basemap(options.dark);
  let ground: L.GridLayer = embedded.addTo(map);
  map.attributionControl.addAttribution(CREDIT);

  let language = options.language;
  let passes: Passes | null = null;
  let places: Place[] = [];
  let points: Points | null = null;
  let selected = -1;
  let marked: ReadonlySet<number> = new Set();
  let still = options.reducedMotion;
  let pick: (slots: number[]) => void = () => {};
  let waiting = 0;
  let settling = 0 as unknown as ReturnType<typeof setTimeout>;
  const scene = new Scene();
  const labels = new Labels();
  const overlay = new Overlay(3, () => {
    labels.restless();
    gatherPlaces();
    draw();
  });
  const [below, symbols, above] = overlay.canvases as [HTMLCanvasElement, HTMLCanvasElement, HTMLCanvasElement];
  const belowContext = below.getContext("2d");
  const aboveContext = above.getContext("2d");

  function gatherPlaces(): void {
    const { left, top, width, height, scale, zoom } = overlay.frame;
    void placesIn(language, zoom - 1, left / scale, top / scale, (left + width) / scale, (top + height) / scale).then((found) => {
      places = found;
      drawBelow();
    });
  }

  function drawBelow(): void {
    if (belowContext === null) return;
    const frame = overlay.frame;
    belowContext.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
    belowContext.clearRect(0, 0, frame.width, frame.height);
    if (ground === embedded) drawPlaces(belowContext, places, frame, theme);
    drawDensity(belowContext, world.density, frame, theme);
  }

  function draw(): void {
    waiting = 0;
    const frame = overlay.frame;
    const now = performance.now();
    scene.build(world.entities, frame, now, still, selected, passes, marked);
    const size = symbolSize(frame.zoom);
    points?.draw(scene, frame, size);
    if (aboveContext !== null) {
      aboveContext.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
      aboveContext.clearRect(0, 0, frame.width, frame.height);
      for (let i = 0; i < scene.count; i++) {
        const slot = scene.slots[i] as number;
        if (slot === selected || marked.has(slot)) ring(aboveContext, size, i);
      }
      labels.draw(aboveContext, scene, world.entities, frame, theme, size, selected, now, marked);
    }
    if (scene.movingUntil > now) later();
  }

  function ring(context: CanvasRenderingContext2D, size: number, i: number): void {
    const at = i * FIELDS;
    context.beginPath();
    context.arc(scene.data[at] as number, scene.data[at + 1] as number, size * 0.72, 0, 7);
    context.lineWidth = 4;
    context.strokeStyle = theme.halo;
    context.stroke();
    context.lineWidth = 2.5;
    context.strokeStyle = `rgb(${theme.density.join(",")})`;
    context.stroke();
  }

  function later(): void {
    if (waiting === 0) waiting = requestAnimationFrame(draw);
  }

  let hadDensity = 0;
  const unlisten = world.onChange(() => {
    if (world.density.length > 0 || hadDensity > 0) drawBelow();
    hadDensity = world.density.length;
    later();
  });
  // Without news ages still fade.
  const fading = setInterval(() => document.hidden || later(), 30_000);

  // The first picture is drawn by Canvas 2D: it is there at once, where starting GL takes up to a second and a half
  // without a graphics card. GL takes over when the page has settled.
  void loadAtlas(30).then((loaded) => {
    points = canvasPoints(symbols, loaded);
    later();
    settling = setTimeout(() => {
      const canvas = freshCanvas();
      const gl = glPoints(canvas, loaded, () => takeOver(freshCanvas(), (plain) => canvasPoints(plain, loaded)));
      if (gl !== null) takeOver(canvas, () => gl);
    }, SETTLE_MS);
  });

  /** A canvas that had one kind of context gives no other: another one takes its place. */
  function freshCanvas(): HTMLCanvasElement {
    return (overlay.canvases[1] as HTMLCanvasElement).cloneNode() as HTMLCanvasElement;
  }

  function takeOver(canvas: HTMLCanvasElement, made: (canvas: HTMLCanvasElement) => Points): void {
    points = made(canvas);
    (overlay.canvases[1] as HTMLCanvasElement).replaceWith(canvas);
    overlay.canvases[1] = canvas;
    draw();
  }

  overlay.addTo(map);
  map.on("click", (event: L.LeafletMouseEvent) => {
    const { left, top, scale, zoom } = overlay.frame;
    const at = map.project(event.latlng, zoom);
    const found = scene.pick(at.x - left, at.y - top, symbolSize(zoom) * 0.6 + 4);
    if (found.length === 0 && zoom <= 4 && world.density.length > 0) {
      const near = world.density.some((cell) => Math.hypot(cell.x * scale - at.x, cell.y * scale - at.y) < 24);
      if (near) map.setView(event.latlng, zoom + 2);
      return;
    }
    pick(found);
  });

  const moving = moves(map, element, options);
  moving.setReducedMotion(still);
  return {
    ...moving,
    setReducedMotion(on) {
      still = on;
      moving.setReducedMotion(on);
    },
    onMove(cb) {
      const tell = () => {
        const n = 256 * 2 ** map.getZoom();
        const { min, max } = map.getPixelBounds() as { min: L.Point; max: L.Point };
        const { lat, lng } = map.getCenter();
        cb({ zoom: map.getZoom(), west: min.x / n, east: max.x / n, north: min.y / n, south: max.y / n }, { lat, lng }, map.getZoom());
      };
      map.on("moveend", tell);
      tell();
    },
    onPick(cb) {
      pick = cb;
    },
    setSelected(slot) {
      selected = slot ?? -1;
      labels.restless();
      later();
    },
    setMarked(slots) {
      marked = slots;
      labels.restless();
      later();
    },
    setFilter(wanted) {
      passes = wanted;
      labels.restless();
      // At once: what is hidden cannot be picked any more.
      draw();
    },
    setDark(dark) {
      theme = dark ? DARK : LIGHT;
      embedded.setDark(dark);
      drawBelow();
      later();
    },
    setLanguage(wanted) {
      if (wanted === language) return;
      language = wanted;
      gatherPlaces();
    },
    setBasemap(id) {
      const wanted = options.basemaps.find((one) => one.id === id);
      ground.remove();
      ground = wanted === undefined ? embedded : L.tileLayer(wanted.url, { attribution: wanted.attribution, maxZoom: 19, maxNativeZoom: wanted.max_zoom });
      ground.addTo(map);
      drawBelow();
    },
    zoomIn() {
      map.zoomIn();
    },
    zoomOut() {
      map.zoomOut();
    },
    destroy() {
      unlisten();
      clearInterval(fading);
      clearTimeout(settling);
      cancelAnimationFrame(waiting);
      points?.destroy();
      map.remove();
    },
  };
}
