/** Stand-in until the map proper is merged: Leaflet with dots, same interface. */
import "leaflet/dist/leaflet.css";
import L from "leaflet";
import type { LiveWorld, MapView } from "../live/types";

export interface MapHandle {
  onMove(cb: (view: MapView, center: { lat: number; lng: number }, zoom: number) => void): void;
  onPick(cb: (slots: number[]) => void): void;
  flyTo(lat: number, lng: number, zoom?: number): void;
  setSelected(slot: number | null): void;
  setDark(dark: boolean): void;
  setBasemap(id: string): void;
  zoomIn(): void;
  zoomOut(): void;
  destroy(): void;
}

export function createMap(element: HTMLElement, world: LiveWorld, options: { view: { lat: number; lng: number; zoom: number }; dark: boolean; basemaps: unknown; reducedMotion: boolean }): MapHandle {
  const map = L.map(element, { zoomControl: false, center: options.view, zoom: options.view.zoom, attributionControl: true });
  map.attributionControl.setPrefix(false);
  const layer = L.layerGroup().addTo(map);
  let pick: (slots: number[]) => void = () => {};
  const renderer = L.canvas();
  const draw = () => {
    layer.clearLayers();
    const e = world.entities;
    for (let s = 0; s < e.length; s++) {
      if (!e.present[s]) continue;
      const lat = (Math.atan(Math.sinh(Math.PI * (1 - 2 * (e.y[s] as number)))) * 180) / Math.PI;
      const dot = L.circleMarker([lat, (e.x[s] as number) * 360 - 180], { radius: 7, renderer });
      dot.on("click", () => pick([s]));
      layer.addLayer(dot);
    }
  };
  world.onChange(draw);
  return {
    onMove(cb) {
      const tell = () => {
        const n = 256 * 2 ** map.getZoom();
        const b = map.getPixelBounds();
        const min = b.min as L.Point;
        const max = b.max as L.Point;
        const c = map.getCenter();
        cb({ zoom: map.getZoom(), west: min.x / n, east: max.x / n, north: min.y / n, south: max.y / n }, { lat: c.lat, lng: c.lng }, map.getZoom());
      };
      map.on("moveend", tell);
      tell();
    },
    onPick(cb) { pick = cb; },
    flyTo(lat, lng, zoom) { map.flyTo([lat, lng], zoom); },
    setSelected() {},
    setDark() {},
    setBasemap() {},
    zoomIn() { map.zoomIn(); },
    zoomOut() { map.zoomOut(); },
    destroy() { map.remove(); },
  };
}
