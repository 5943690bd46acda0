/** Moving the map from outside, and what people do to it by hand: following, fitting, pins, the menu of a point. */
import L from "leaflet";
import type { MapOptions } from "./index";

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

export function moves(map: L.Map, element: HTMLElement, options: Pick<MapOptions, "reducedMotion">): Moves {
  const body = document.createElement("span");
  const pin = L.marker([0, 0], { icon: L.divIcon({ html: body, className: "pin", iconSize: [0, 0] }), interactive: false, keyboard: false });
  let still = options.reducedMotion;
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
      const bounds = L.latLngBounds(points.map((one) => L.latLng(one)));
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
      if (point === null) pin.remove();
      else pin.setLatLng(point).addTo(map);
    },
    onGesture(cb) {
      map.on("dragstart", cb);
      element.addEventListener("keydown", (event) => ARROWS.test(event.key) && cb());
    },
    onMenu(cb) {
      map.on("contextmenu", (event: L.LeafletMouseEvent) => {
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
