/** Moving the map from outside, and what people do to it by hand: following, fitting, pins, the menu of a point. */
import type Leaflet from "leaflet";
import type { Core } from "./core";
import L from "./leaflet";
import { copies, toX, toY } from "./mercator";
import type { Frame } from "./overlay";

/** Pixels on each side that something of the page covers. */
export interface Inset {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

interface Point {
  lat: number;
  lng: number;
}

export interface Moves {
  flyTo(lat: number, lng: number, zoom?: number): void;
  /** Slides there at the same zoom. */
  panTo(lat: number, lng: number): void;
  /** Shows all the points in what the page leaves free, no closer than `zoom`. */
  fit(points: readonly Point[], inset: Inset, zoom: number): void;
  /** While on, zooming keeps the middle of the map where it is, whatever the pointer is over. */
  setCentred(on: boolean): void;
  /** A pin at a point, or none. */
  setPin(point: Point | null): void;
  /** Called when somebody moves the map by hand. */
  onGesture(cb: () => void): void;
  /** Called with a point and its place in the window: right click, long press or the menu key. */
  onMenu(cb: (point: Point, x: number, y: number) => void): void;
  setReducedMotion(on: boolean): void;
}

const ARROWS = /^Arrow/;
const FLIGHT = { duration: 0.9 };

const PIN_PX = 9;

/** A drop whose tip is at the point. */
function drawPin(context: CanvasRenderingContext2D, x: number, y: number, colour: string, halo: string): void {
  context.beginPath();
  context.arc(x, y - 2 * PIN_PX, PIN_PX, Math.PI * 0.85, Math.PI * 0.15);
  context.lineTo(x, y);
  context.closePath();
  context.lineWidth = 3;
  context.strokeStyle = halo;
  context.stroke();
  context.fillStyle = colour;
  context.fill();
  context.beginPath();
  context.arc(x, y - 2 * PIN_PX, PIN_PX / 2.5, 0, 7);
  context.fillStyle = halo;
  context.fill();
}

export function moves(core: Core, element: HTMLElement): Moves {
  const map = core.leaflet;
  let still = core.still;
  let pin: Point | null = null;
  core.add({
    over(context: CanvasRenderingContext2D, { scale, left, top, width }: Frame) {
      if (pin === null) return;
      const { theme } = core;
      for (const copy of copies(left / scale, (left + width) / scale)) {
        drawPin(context, (toX(pin.lng) + copy) * scale - left, toY(pin.lat) * scale - top, `rgb(${theme.density.join(",")})`, theme.label);
      }
    },
  });
  return {
    flyTo(lat, lng, zoom) {
      if (still) map.setView([lat, lng], zoom ?? map.getZoom());
      else map.flyTo([lat, lng], zoom, FLIGHT);
    },
    panTo(lat, lng) {
      map.panTo([lat, lng], { animate: !still, ...FLIGHT });
    },
    fit(points, inset, zoom) {
      if (points.length === 0) return;
      const fitting = {
        paddingTopLeft: [inset.left + 40, inset.top + 40] as [number, number],
        paddingBottomRight: [inset.right + 40, inset.bottom + 40] as [number, number],
        maxZoom: zoom,
      };
      const bounds = points.reduce((all, one) => all.extend(one), L.latLngBounds(points[0] as Point, points[0] as Point));
      if (still) map.fitBounds(bounds, { ...fitting, animate: false });
      else map.flyToBounds(bounds, { ...fitting, ...FLIGHT });
    },
    setCentred(on) {
      const way = on ? "center" : true;
      map.options.scrollWheelZoom = way;
      map.options.doubleClickZoom = way;
      map.options.touchZoom = way;
    },
    setPin(point) {
      pin = point;
      core.redraw();
    },
    onGesture(cb) {
      map.on("dragstart", cb);
      element.addEventListener("keydown", (event) => ARROWS.test(event.key) && cb());
    },
    onMenu(cb) {
      map.on("contextmenu", (event: Leaflet.LeafletMouseEvent) => {
        const { lat, lng } = event.latlng.wrap();
        cb({ lat, lng }, event.originalEvent.clientX, event.originalEvent.clientY);
      });
    },
    setReducedMotion(on) {
      still = on;
      map.options.inertia = !on;
      // Leaflet reads its option at the start only; this is what it asks afterwards.
      (map as unknown as { _zoomAnimated: boolean })._zoomAnimated = !on && L.Browser.any3d;
    },
  };
}
