/**
 * What the page shows and how it changes: the open card, the map's view, the address and its history. Components read
 * the signals and call the methods; nothing here draws.
 */
import { type Signal, batch, signal } from "@preact/signals";
import { EVERYTHING, type Filter, parseFilter, test } from "../live/filter";
import type { LiveStream } from "../live/stream";
import type { World } from "../live/world";
import type { MapHandle } from "../map";
import type { Extras } from "../map/extras";
import { ApiError, type PageSettings, type StationDetail, station } from "./api";
import { type EntityKind, type Place, type View, formatPlace, parsePlace } from "./url";

export const KINDS: readonly EntityKind[] = ["station", "object", "item"];

/** Zoom of a station that was asked for by name. */
const STATION_ZOOM = 12;
/** Where page.css makes the card a sheet, and by which part of the window the point then moves up. */
const SHEET_QUERY = "(max-width: 45rem)";
const SHEET_SHIFT = 0.2;
/** The address follows the map this long after its last move. */
const ADDRESS_AFTER_MS = 300;
/** A station that sends often is asked for at most this often. */
const REFETCH_AFTER_MS = 2000;

export interface Selection {
  name: string;
  kind: EntityKind;
}

export type Detail =
  | { kind: "loading" }
  | { kind: "loaded"; station: StationDetail }
  | { kind: "missing" }
  | { kind: "failed"; reason: string };

export class Page {
  readonly selection: Signal<Selection | null> = signal(null);
  readonly detail: Signal<Detail> = signal({ kind: "loading" });
  /** Entities under one click, to choose from. */
  readonly picked: Signal<Selection[]> = signal([]);
  /** The selected entity's slot in the world, and a number that grows whenever its columns change. */
  readonly slot: Signal<number | null> = signal(null);
  readonly slotVersion: Signal<number> = signal(0);
  readonly view: Signal<View>;
  readonly filter: Signal<Filter> = signal(EVERYTHING);
  /** What the map shows beyond symbols; null until it is loaded. */
  readonly extras: Signal<Extras | null> = signal(null);

  readonly world: World;
  readonly stream: LiveStream;
  readonly settings: PageSettings;
  private map: MapHandle | null = null;
  private addressTimer: ReturnType<typeof setTimeout> | undefined;
  private refetchTimer: ReturnType<typeof setTimeout> | undefined;
  private request: AbortController | null = null;
  private flyWhenLoaded = false;
  private seenVersion = 0;

  constructor(world: World, stream: LiveStream, settings: PageSettings, place: Place) {
    this.world = world;
    this.stream = stream;
    this.settings = settings;
    const { latitude, longitude, zoom } = settings.view;
    this.view = signal(place.view ?? { lat: latitude, lng: longitude, zoom });
  }

  /** Takes over the map and opens what the address names. */
  attach(map: MapHandle, place: Place): void {
    this.map = map;
    this.useFilter(parseFilter(location.search));
    map.onMove((bounds, centre, zoom) => {
      this.stream.setView(bounds);
      this.view.value = { lat: centre.lat, lng: centre.lng, zoom };
      this.addressLater();
    });
    map.onPick((slots) => this.pick(slots));
    this.world.onChange(() => this.worldChanged());
    addEventListener("popstate", () => this.restore(parsePlace(location.pathname, location.search)));
    if (place.call !== null) this.show({ name: place.call, kind: place.kind }, place.view === null);
  }

  zoomIn(): void {
    this.map?.zoomIn();
  }

  zoomOut(): void {
    this.map?.zoomOut();
  }

  setBasemap(id: string): void {
    this.map?.setBasemap(id);
  }

  /** Shows only some entities, and says so in the address. */
  setFilter(filter: Filter): void {
    this.useFilter(filter);
    this.writeAddress("replaceState");
  }

  private useFilter(filter: Filter): void {
    this.filter.value = filter;
    this.map?.setFilter(test(filter));
  }

  /** Flies to a view as it is. */
  flyTo(lat: number, lng: number, zoom: number): void {
    this.map?.flyTo(lat, lng, zoom);
  }

  /** Flies so that a point comes to the middle of what the card leaves free. */
  flyToPoint(lat: number, lng: number): void {
    const zoom = Math.max(this.view.value.zoom, STATION_ZOOM);
    const sheet = this.selection.value !== null && matchMedia(SHEET_QUERY).matches;
    const down = sheet ? innerHeight * SHEET_SHIFT : 0;
    const at = fromMercator((lng + 180) / 360, toMercatorY(lat) + down / (256 * 2 ** zoom));
    this.flyTo(at.lat, at.lng, zoom);
  }

  /** Opens a card as a step of the history. `fly` when the map may be elsewhere, with the position where it is known. */
  open(selection: Selection, fly: boolean | { lat: number; lng: number } = false): void {
    const now = this.selection.value;
    if (now?.name !== selection.name || now.kind !== selection.kind) {
      this.writeAddress("replaceState");
      this.show(selection, fly === true);
      this.writeAddress("pushState");
      if (typeof fly === "object") this.flyToPoint(fly.lat, fly.lng);
    } else if (fly !== false) {
      this.centreSelected();
    }
  }

  close(): void {
    if (this.picked.value.length > 0) {
      this.picked.value = [];
      return;
    }
    if (this.selection.value === null) return;
    this.hide();
    this.writeAddress("pushState");
  }

  centreSelected(): void {
    const slot = this.slot.value;
    const detail = this.detail.value;
    if (detail.kind === "loaded" && detail.station.latitude !== undefined && detail.station.longitude !== undefined) {
      this.flyToPoint(detail.station.latitude, detail.station.longitude);
    } else if (slot !== null) {
      const { x, y } = this.world.entities;
      const { lat, lng } = fromMercator(x[slot] as number, y[slot] as number);
      this.flyToPoint(lat, lng);
    }
  }

  /** A link that opens the same card anywhere. */
  link(): string {
    const { selection } = this;
    const place = { view: this.view.value, call: selection.value?.name ?? null, kind: selection.value?.kind ?? "station" };
    return new URL(formatPlace(place, this.filter.value), location.href).href;
  }

  refetch(): void {
    const selection = this.selection.value;
    if (selection === null) return;
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    station(selection.name, selection.kind, request.signal).then(
      (answer) => {
        if (!request.signal.aborted) this.loaded(answer);
      },
      (error: unknown) => {
        if (request.signal.aborted) return;
        if (error instanceof ApiError && error.status === 404) this.detail.value = { kind: "missing" };
        // A card that shows something already keeps it over a failed refresh.
        else if (this.detail.value.kind !== "loaded") {
          this.detail.value = { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
        }
      },
    );
  }

  private loaded(answer: StationDetail): void {
    this.detail.value = { kind: "loaded", station: answer };
    if (this.flyWhenLoaded && answer.latitude !== undefined && answer.longitude !== undefined) {
      this.flyToPoint(answer.latitude, answer.longitude);
    }
    this.flyWhenLoaded = false;
  }

  private pick(slots: number[]): void {
    const { entities } = this.world;
    const found = slots.filter((slot) => entities.present[slot] === 1).map((slot) => ({
      name: entities.name(slot),
      kind: KINDS[(entities.flags[slot] as number) & 3] ?? "station",
    }));
    const [only] = found;
    if (found.length === 1 && only !== undefined) {
      this.picked.value = [];
      this.open(only);
    } else {
      this.picked.value = found;
    }
  }

  private show(selection: Selection, fly: boolean): void {
    clearTimeout(this.refetchTimer);
    this.refetchTimer = undefined;
    batch(() => {
      this.picked.value = [];
      this.selection.value = selection;
      this.detail.value = { kind: "loading" };
      this.seek();
    });
    this.flyWhenLoaded = fly;
    document.title = `${selection.name} · Godwit`;
    this.refetch();
  }

  private hide(): void {
    this.request?.abort();
    clearTimeout(this.refetchTimer);
    this.refetchTimer = undefined;
    batch(() => {
      this.selection.value = null;
      this.picked.value = [];
      this.seek();
    });
    document.title = "Godwit";
  }

  /** Finds the selected entity's slot again: slots are reused after an entity has gone. */
  private seek(): void {
    const { selection, world } = this;
    const now = selection.value;
    const slot = now === null ? null : world.find(now.name, KINDS.indexOf(now.kind));
    if (slot !== this.slot.peek()) {
      this.slot.value = slot;
      this.map?.setSelected(slot);
    }
  }

  private worldChanged(): void {
    const { entities } = this.world;
    const changed = entities.changedSince(this.seenVersion);
    this.seenVersion = entities.version;
    const now = this.selection.peek();
    if (now === null) return;
    const slot = this.slot.peek();
    const isIt = (one: number) => entities.present[one] === 1 && entities.name(one) === now.name
      && KINDS[(entities.flags[one] as number) & 3] === now.kind;
    // Among what changed only: looking through all entities each time would cost a frame.
    if (changed !== null && ![...changed].some((one) => one === slot || (slot === null && isIt(one)))) return;
    if (slot === null || !isIt(slot)) this.seek();
    if (this.slot.peek() === null) return;
    this.slotVersion.value++;
    this.refetchTimer ??= setTimeout(() => {
      this.refetchTimer = undefined;
      this.refetch();
    }, REFETCH_AFTER_MS);
  }

  /** Back or forward: the card and the view of that step. */
  private restore(place: Place): void {
    clearTimeout(this.addressTimer);
    this.useFilter(parseFilter(location.search));
    const now = this.selection.value;
    if (place.call === null) {
      if (now !== null) this.hide();
    } else if (now?.name !== place.call || now.kind !== place.kind) {
      this.show({ name: place.call, kind: place.kind }, place.view === null);
    }
    const view = this.view.value;
    if (place.view !== null && formatPlace({ ...place, view }) !== formatPlace(place)) {
      this.flyTo(place.view.lat, place.view.lng, place.view.zoom);
    }
  }

  /** Writes what is shown into the address, soon. */
  addressLater(): void {
    clearTimeout(this.addressTimer);
    this.addressTimer = setTimeout(() => this.writeAddress("replaceState"), ADDRESS_AFTER_MS);
  }

  private writeAddress(how: "replaceState" | "pushState"): void {
    clearTimeout(this.addressTimer);
    const selection = this.selection.value;
    const address = formatPlace({
      view: this.view.value, call: selection?.name ?? null, kind: selection?.kind ?? "station",
    }, this.filter.value);
    history[how](null, "", address);
  }
}

/** Web Mercator 0..1 to degrees. */
export function fromMercator(x: number, y: number): { lat: number; lng: number } {
  return { lat: (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI, lng: x * 360 - 180 };
}

/** Latitude to Web Mercator 0..1 from the north. */
function toMercatorY(lat: number): number {
  const sin = Math.sin((Math.min(85.0511, Math.max(-85.0511, lat)) * Math.PI) / 180);
  return 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI);
}
