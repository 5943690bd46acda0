/**
 * Canvases glued to the map: they lie in the map's own pane, so that a drag moves them with it; a zoom animation scales
 * them with the tiles; at its end they are drawn anew. While fingers or a flight zoom freely they are drawn anew in between,
 * so that symbols keep about their size. They reach beyond the view by a margin.
 */
import type Leaflet from "leaflet";
import L from "./leaflet";

/** How far the canvases reach beyond the view, as a part of it, on each side. */
const MARGIN = 0.2;
/** Drawn anew when symbols would be so much larger or smaller than they should. */
const STRETCH = 1.15;

/** What is drawn: from world coordinates (Web Mercator 0..1) to CSS pixels of the canvas. */
export interface Frame {
  /** Pixels of the whole world. */
  scale: number;
  /** Canvas pixel = world * scale - offset. */
  left: number;
  top: number;
  width: number;
  height: number;
  zoom: number;
  ratio: number;
}

export class Overlay extends L.Layer {
  readonly canvases: HTMLCanvasElement[];
  frame: Frame = { scale: 256, left: 0, top: 0, width: 0, height: 0, zoom: 0, ratio: 1 };
  private readonly box: HTMLDivElement;
  private centre = L.latLng(0, 0);
  private readonly onFrame: (settled: boolean) => void;

  /** `count` canvases, one above the other; `onFrame` when they must be drawn anew, `settled` unless the view still zooms. */
  constructor(count: number, onFrame: (settled: boolean) => void) {
    super();
    this.onFrame = onFrame;
    this.box = document.createElement("div");
    this.box.className = "overlay leaflet-zoom-animated";
    this.canvases = Array.from({ length: count }, () => {
      const canvas = document.createElement("canvas");
      this.box.append(canvas);
      return canvas;
    });
  }

  override onAdd(map: Leaflet.Map): this {
    map.getPanes().overlayPane?.append(this.box);
    this.update();
    return this;
  }

  override onRemove(): this {
    this.box.remove();
    return this;
  }

  override getEvents(): Record<string, Leaflet.LeafletEventHandlerFn> {
    const events: Record<string, Leaflet.LeafletEventHandlerFn> = {
      zoom: () => {
        const grown = this._map.getZoomScale(this._map.getZoom(), this.frame.zoom);
        if (grown > STRETCH || grown < 1 / STRETCH) this.update(false);
        else this.follow(this._map.getCenter(), this._map.getZoom());
      },
      zoomanim: (event) => {
        const { center, zoom } = event as Leaflet.ZoomAnimEvent;
        this.follow(center, zoom);
      },
      moveend: () => this.update(),
      resize: () => this.update(),
      viewreset: () => this.update(),
    };
    return events;
  }

  /** Takes the place where the view is now; `settled`: to stay there. */
  update(settled = true): void {
    const map = this._map;
    if (map === undefined) return;
    const size = map.getSize();
    const corner = map.containerPointToLayerPoint(size.multiplyBy(-MARGIN)).round();
    L.DomUtil.setTransform(this.box, corner, 1);
    const zoom = map.getZoom();
    const origin = map.getPixelOrigin();
    this.centre = map.getCenter();
    this.frame = {
      scale: 256 * 2 ** zoom,
      left: origin.x + corner.x,
      top: origin.y + corner.y,
      width: Math.ceil(size.x * (1 + 2 * MARGIN)),
      height: Math.ceil(size.y * (1 + 2 * MARGIN)),
      zoom,
      ratio: Math.min(2, window.devicePixelRatio || 1),
    };
    const { width, height, ratio } = this.frame;
    for (const canvas of this.canvases) {
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
        canvas.style.width = `${width}px`;
        canvas.style.height = `${height}px`;
      }
    }
    this.onFrame(settled);
  }

  /** Scales with the map while it zooms: the point that was in the middle stays where the map puts it. */
  private follow(centre: Leaflet.LatLng, zoom: number): void {
    const map = this._map;
    const grown = map.getZoomScale(zoom, this.frame.zoom);
    const half = map.getSize().multiplyBy((0.5 + MARGIN) * -grown);
    // The new pixel origin, as the map will have it: the view's corner plus what its pane has been dragged by.
    const view = map.getSize().divideBy(2);
    const dragged = L.DomUtil.getPosition(map.getPanes().mapPane as HTMLElement);
    const origin = map.project(centre, zoom).subtract(view).add(dragged).round();
    const at = half.add(map.project(this.centre, zoom)).subtract(origin);
    L.DomUtil.setTransform(this.box, at, grown);
  }
}
