/**
 * The parts of Leaflet that the map uses: moving about, tiles, the line of credits. Taken one by one from its sources,
 * because the whole of it (markers, popups, vector layers, other projections) cannot be left out by a bundler and weighs
 * a third of the first view.
 */
import type Leaflet from "leaflet";
import { Attribution } from "leaflet/src/control/Control.Attribution.js";
import Browser from "leaflet/src/core/Browser.js";
import * as DomUtil from "leaflet/src/dom/DomUtil.js";
import { toLatLng } from "leaflet/src/geo/LatLng.js";
import { toLatLngBounds } from "leaflet/src/geo/LatLngBounds.js";
import { Layer } from "leaflet/src/layer/Layer.js";
import { GridLayer } from "leaflet/src/layer/tile/GridLayer.js";
import { TileLayer } from "leaflet/src/layer/tile/TileLayer.js";
import { BoxZoom } from "leaflet/src/map/handler/Map.BoxZoom.js";
import { DoubleClickZoom } from "leaflet/src/map/handler/Map.DoubleClickZoom.js";
import { Drag } from "leaflet/src/map/handler/Map.Drag.js";
import { Keyboard } from "leaflet/src/map/handler/Map.Keyboard.js";
import { ScrollWheelZoom } from "leaflet/src/map/handler/Map.ScrollWheelZoom.js";
import { TapHold } from "leaflet/src/map/handler/Map.TapHold.js";
import { TouchZoom } from "leaflet/src/map/handler/Map.TouchZoom.js";
import { Map } from "leaflet/src/map/Map.js";

// Each adds itself to the map when it is loaded; named here so that none is left out as unused.
Object.assign(Map, { BoxZoom, DoubleClickZoom, Drag, Keyboard, ScrollWheelZoom, TapHold, TouchZoom, Attribution });

type Parts = "Browser" | "DomUtil" | "GridLayer" | "Layer" | "Map" | "TileLayer" | "latLng" | "latLngBounds";
const L = { Browser, DomUtil, GridLayer, Layer, Map, TileLayer, latLng: toLatLng, latLngBounds: toLatLngBounds } as unknown as Pick<typeof Leaflet, Parts>;
export default L;
