/**
 * The map: Leaflet for moving about, our own layers for what is seen. Drawn only when something changed or moves; a
 * hidden tab draws nothing.
 */
import "./map.css";
import type Leaflet from "leaflet";
import L from "./leaflet";
import type { LiveWorld, MapView } from "../live/types";
import { loadAtlas } from "./atlas";
import { drawClusters } from "./clusters";
import type { Core, Part } from "./core";
import { Basemap, type Place, placesIn } from "./basemap";
import { PlaceNames, drawDensity, numberBoxes } from "./ground";
import { Labels } from "./labels";
import { type Moves, moves } from "./moves";
import { type Frame, Overlay } from "./overlay";
import { type Points, canvasPoints, glPoints } from "./points";
import { FIELDS, type Passes, Scene } from "./scene";
import { DARK, LIGHT } from "./theme";
import type { VectorMap } from "./vector";

/** A base map of the operator's choice. */
export interface OtherMap {
  id: string;
  name: string;
  kind: "raster" | "vector";
  url: string;
  attribution: string;
  max_zoom: number;
}

export interface MapOptions {
  view: { lat: number; lng: number; zoom: number };
  dark: boolean;
  basemaps: readonly OtherMap[];
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
  /** Shows another world (another time) in the same view. */
  setWorld(world: LiveWorld): void;
  /** For what is loaded later. */
  readonly core: Core;
  zoomIn(): void;
  zoomOut(): void;
  destroy(): void;
}

const CREDIT = "Natural Earth";

/** When GL takes over from Canvas 2D. */
const SETTLE_MS = 4000;
/** A glide is drawn again when something has moved by so many pixels, or after so long. */
const STEP_PX = 0.5;
const SLOWEST_MS = 100;
/** About the time between two pictures of the screen. */
const FRAME_MS = 16;

/** Leaflet writes credit lines as markup; these are text. */
function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** CSS pixels of a symbol at a zoom. */
export function symbolSize(zoom: number): number {
  return Math.round(Math.max(16, Math.min(30, 16 + (zoom - 5) * 2)));
}

export function createMap(element: HTMLElement, live: LiveWorld, options: MapOptions): MapHandle {
  const map = new L.Map(element, {
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
  let world = live;
  let theme = options.dark ? DARK : LIGHT;
  const embedded = new Basemap(options.dark);
  let ground: Leaflet.GridLayer = embedded.addTo(map);
  /** Of the ground, what knows names of places; an image has its own written on it. */
  let named: { placesIn: typeof placesIn } | null = { placesIn };
  let vector: VectorMap | null = null;
  map.attributionControl.addAttribution(CREDIT);

  let chosen = "";
  let language = options.language;
  let passes: Passes | null = null;
  let places: Place[] = [];
  let points: Points | null = null;
  let selected = -1;
  let still = options.reducedMotion;
  let pick: (slots: number[]) => void = () => {};
  let waiting = 0;
  let gliding = 0 as unknown as ReturnType<typeof setTimeout>;
  let settling = 0 as unknown as ReturnType<typeof setTimeout>;
  const scene = new Scene();
  const labels = new Labels();
  const placeNames = new PlaceNames();
  const parts = new Set<Part>();
  const overlay = new Overlay(4, (settled) => {
    labels.restless();
    drawBelow();
    if (settled) {
      gatherPlaces();
      for (const part of parts) part.moved?.();
    }
    draw();
  });
  /** Of the overlay's canvases, the one that symbols are drawn on. */
  const SYMBOLS = 2;
  const [belowContext, linesContext, , aboveContext] = overlay.canvases.map((canvas, i) => (i === SYMBOLS ? null : canvas.getContext("2d")));
  let linesDrawn = false;

  function setGround(layer: Leaflet.GridLayer, names: typeof named): void {
    ground.remove();
    ground = layer.addTo(map);
    named = names;
    places = [];
    labels.restless();
    gatherPlaces();
    later();
  }

  function gatherPlaces(): void {
    const { left, top, width, height, scale, zoom } = overlay.frame;
    const asked = named;
    if (asked === null) return;
    void asked.placesIn(language, zoom - 1, left / scale, top / scale, (left + width) / scale, (top + height) / scale).then((found) => {
      // Another ground may have come meanwhile.
      if (named !== asked) return;
      places = found;
      labels.restless();
      later();
    });
  }

  /** Makes a canvas empty and counts in CSS pixels from now on. */
  function clean(context: CanvasRenderingContext2D, { ratio, width, height }: Frame): void {
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
  }

  function drawBelow(): void {
    if (belowContext == null) return;
    const frame = overlay.frame;
    clean(belowContext, frame);
    drawDensity(belowContext, world.density, frame, theme);
  }

  function draw(): void {
    // Drawn out of turn, the picture that waits is this one: kept, it would be a second each frame from now on.
    cancelAnimationFrame(waiting);
    clearTimeout(gliding);
    waiting = 0;
    const frame = overlay.frame;
    const now = performance.now();
    // Where the density counts everything, what is still known from closer by is not drawn a second time.
    const counted = frame.zoom < 5 && world.density.length > 0;
    scene.build(world.entities, frame, now, still, selected, counted ? () => false : passes);
    const size = symbolSize(frame.zoom);
    if (linesContext != null && (parts.size > 0 || linesDrawn)) {
      clean(linesContext, frame);
      for (const part of parts) part.under?.(linesContext, frame, now);
      linesDrawn = parts.size > 0;
    }
    points?.draw(scene, frame, size);
    if (aboveContext != null) {
      clean(aboveContext, frame);
      drawClusters(aboveContext, scene.clusters.list, theme);
      if (labels.due(now)) placeNames.lay(named === null ? [] : places, frame, theme, numberBoxes(scene.clusters.list, counted ? world.density : [], frame));
      placeNames.draw(aboveContext);
      for (let i = 0; i < scene.count; i++) {
        const slot = scene.slots[i] as number;
        if (slot === selected || scene.marked.has(slot)) ring(aboveContext, size, i);
      }
      labels.draw(aboveContext, scene, world.entities, frame, theme, size, selected, now, placeNames.boxes);
      for (const part of parts) part.over?.(aboveContext, frame, now);
    }
    if (scene.movingUntil <= now) return;
    // The next picture is due when something has moved far enough to be seen; then it is in time with the screen's.
    const dueMs = Math.min(STEP_PX / scene.pace, SLOWEST_MS) - FRAME_MS;
    if (dueMs < FRAME_MS) later();
    else gliding = setTimeout(later, dueMs);
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
  const listeners = new Set<() => void>();
  const changed = () => {
    if (world.density.length > 0 || hadDensity > 0) drawBelow();
    hadDensity = world.density.length;
    for (const listener of listeners) listener();
    later();
  };
  let unlisten = world.onChange(changed);
  // Without news ages still fade.
  const fading = setInterval(() => document.hidden || later(), 30_000);

  // The first picture is drawn by Canvas 2D: it is there at once, where starting GL takes up to a second and a half
  // without a graphics card. GL takes over when the page has settled.
  void loadAtlas(30).then((loaded) => {
    points = canvasPoints(overlay.canvases[SYMBOLS] as HTMLCanvasElement, loaded);
    later();
    settling = setTimeout(() => {
      const canvas = freshCanvas();
      const gl = glPoints(canvas, loaded, () => takeOver(freshCanvas(), (plain) => canvasPoints(plain, loaded)));
      if (gl !== null) takeOver(canvas, () => gl);
    }, SETTLE_MS);
  });

  /** A canvas that had one kind of context gives no other: another one takes its place. */
  function freshCanvas(): HTMLCanvasElement {
    return (overlay.canvases[SYMBOLS] as HTMLCanvasElement).cloneNode() as HTMLCanvasElement;
  }

  function takeOver(canvas: HTMLCanvasElement, made: (canvas: HTMLCanvasElement) => Points): void {
    points = made(canvas);
    (overlay.canvases[SYMBOLS] as HTMLCanvasElement).replaceWith(canvas);
    overlay.canvases[SYMBOLS] = canvas;
    draw();
  }

  overlay.addTo(map);
  const placeOnCanvas = (place: Leaflet.LatLng) => {
    const { left, top, zoom } = overlay.frame;
    const at = map.project(place, zoom);
    return { x: at.x - left, y: at.y - top };
  };
  const under = (at: { x: number; y: number }) => scene.pick(at.x, at.y, symbolSize(overlay.frame.zoom) * 0.6 + 4);
  map.on("click", (event: Leaflet.LeafletMouseEvent) => {
    const at = placeOnCanvas(event.latlng);
    for (const part of parts) if (part.press?.(at, event.latlng)) return;
    const found = under(at);
    for (const part of parts) if (part.pick?.(at, found)) return;
    if (found.length > 0 || !openCrowd(at, event.latlng)) pick(found);
  });

  /** Zooms into the cluster or density cell under a point; false when there is none. */
  function openCrowd(at: { x: number; y: number }, place: Leaflet.LatLng): boolean {
    const { left, top, scale, zoom } = overlay.frame;
    const cluster = scene.clusters.at(at.x, at.y);
    if (cluster !== undefined) {
      const [west, north, east, south] = cluster.box;
      const corner = (x: number, y: number) => map.unproject([x + left, y + top], zoom);
      const fitting = map.getBoundsZoom(L.latLngBounds(corner(west, north), corner(east, south)));
      map.setView(corner((west + east) / 2, (north + south) / 2), Math.min(Math.max(zoom + 1, fitting), zoom + 3));
      return true;
    }
    const near = zoom <= 4 && world.density.some((cell) => Math.hypot(cell.x * scale - left - at.x, cell.y * scale - top - at.y) < 24);
    if (near) map.setView(place, zoom + 2);
    return near;
  }

  // At most once a frame, and only for what asks for it.
  let pointed: Leaflet.LeafletMouseEvent | null = null;
  let hovering = 0;
  function hover(): void {
    hovering = 0;
    const at = pointed === null ? null : placeOnCanvas(pointed.latlng);
    const found = at === null ? [] : under(at);
    let cursor = found.length > 0 || (at !== null && scene.clusters.at(at.x, at.y) !== undefined);
    for (const part of parts) if (part.hover?.(at, found)) cursor = true;
    element.style.cursor = cursor ? "pointer" : "";
  }
  map.on("mousemove mouseout", (event: Leaflet.LeafletEvent) => {
    pointed = event.type === "mouseout" ? null : event as Leaflet.LeafletMouseEvent;
    if (hovering === 0) hovering = requestAnimationFrame(hover);
  });

  const core: Core = {
    leaflet: map,
    scene,
    get frame() {
      return overlay.frame;
    },
    get world() {
      return world;
    },
    get theme() {
      return theme;
    },
    get selected() {
      return selected;
    },
    get passes() {
      return passes;
    },
    get still() {
      return still;
    },
    get symbolSize() {
      return symbolSize(overlay.frame.zoom);
    },
    redraw(names = false) {
      if (names) labels.restless();
      later();
    },
    add(part) {
      parts.add(part);
      later();
      return () => {
        parts.delete(part);
        later();
      };
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  const moving = moves(core, element);
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
        const { min, max } = map.getPixelBounds() as { min: Leaflet.Point; max: Leaflet.Point };
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
      scene.marked = slots;
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
      labels.restless();
      embedded.setDark(dark);
      vector?.setDark(dark);
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
      chosen = id;
      if (wanted?.kind === "vector") {
        void import("./vector").then(({ VectorMap }) => {
          if (chosen !== id) return;
          vector = new VectorMap(wanted.url, wanted.max_zoom, escaped(wanted.attribution), theme === DARK);
          setGround(vector, vector);
        }, (error: unknown) => console.warn(`base map: ${String(error)}`));
      } else if (wanted === undefined) {
        setGround(embedded, { placesIn });
      } else {
        setGround(new L.TileLayer(wanted.url, { attribution: escaped(wanted.attribution), maxZoom: 19, maxNativeZoom: wanted.max_zoom }), null);
      }
    },
    setWorld(wanted) {
      unlisten();
      world = wanted;
      unlisten = world.onChange(changed);
      labels.restless();
      drawBelow();
      changed();
    },
    core,
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
      clearTimeout(gliding);
      cancelAnimationFrame(waiting);
      cancelAnimationFrame(hovering);
      points?.destroy();
      map.remove();
    },
  };
}
