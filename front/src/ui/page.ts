/**
 * What the page shows and how it changes: the open card, the map's view, the address and its history. Components read
 * the signals and call the methods; nothing here draws.
 */
import { type Signal, batch, effect, signal, untracked } from "@preact/signals";
import { EVERYTHING, type Filter, parseFilter, test } from "../live/filter";
import type { LiveStream } from "../live/stream";
import type { MapView } from "../live/types";
import type { Stage } from "../live/stage";
import type { MapHandle } from "../map";
import type { Extras } from "../map/extras";
import { ApiError, type PageSettings, type StationDetail, station } from "./api";
import { type Steps, steps } from "./steps";
import { type EntityKind, type LatLng, MOST_CALLS, NOWHERE, type Place, type Side, type View, formatPlace, parsePlace } from "./url";
import { visible } from "./visible";

export const KINDS: readonly EntityKind[] = ["station", "object", "item"];

/** Zoom of a station that was asked for by name. */
const STATION_ZOOM = 12;
/** Where page.css makes the card a sheet, and by which part of the window the point then moves up. */
const SHEET_QUERY = "(max-width: 45rem)";
const SHEET_SHIFT = 0.2;
/** A flight takes this long, and a little. */
const FLIGHT_MS = 1000;
/** What the column on the left covers on a wide screen, in pixels. */
const COLUMN_PX = 416;
/** Where time travel begins: so long ago. */
const HOUR_MS = 3_600_000;
/** The address follows the map this long after its last move. */
const ADDRESS_AFTER_MS = 300;
/** A station that sends often is asked for at most this often. */
const REFETCH_AFTER_MS = 2000;
/** While time travel plays, the card is brought up to the moment this often. */
const MOMENT_AFTER_MS = 1000;

export interface Selection {
  name: string;
  kind: EntityKind;
  /** The kind is a guess: the server's answer says which it is. */
  guess?: true;
}

/** What lies over everything, one at a time. */
export type Over = "" | "menu" | "settings" | "help";

/** A point of the map whose menu is open, and its place in the window. */
export interface PointMenu extends LatLng {
  x: number;
  y: number;
}

export type Detail =
  | { kind: "loading" }
  /** `atMs`: the moment that it is of, ms since 1970; null: now. */
  | { kind: "loaded"; station: StationDetail; atMs: number | null }
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
  /** The same view as the map has it; null before there is a map. */
  readonly bounds: Signal<MapView | null> = signal(null);
  readonly filter: Signal<Filter> = signal(EVERYTHING);
  /** What the map shows beyond symbols; null until it is loaded. */
  readonly extras: Signal<Extras | null> = signal(null);
  /** The map goes with the selected station. */
  readonly follow: Signal<boolean> = signal(false);
  /** Names marked together; `marks.ts` finds them on the map. */
  readonly calls: Signal<readonly string[]> = signal([]);
  /** The point that distances are measured from. */
  readonly from: Signal<LatLng | null> = signal(null);
  readonly side: Signal<Side> = signal("");
  /** The moment that is shown, ms since 1970; null: now. */
  readonly at: Signal<number | null> = signal(null);
  /** The same, in whole seconds and moving on while time travel plays. */
  readonly moment: Signal<number | null> = signal(null);
  /** Time travel was asked for without a moment, and begins where something is kept. */
  timeBegins = false;
  readonly over: Signal<Over> = signal("");
  readonly pointMenu: Signal<PointMenu | null> = signal(null);

  readonly world: Stage;
  readonly stream: LiveStream;
  readonly settings: PageSettings;
  map: MapHandle | null = null;
  private readonly steps: Steps;
  private addressTimer: ReturnType<typeof setTimeout> | undefined;
  private refetchTimer: ReturnType<typeof setTimeout> | undefined;
  private request: AbortController | null = null;
  /** The moment that details were asked of last. */
  private askedMs: number | null = null;
  /** When that was (performance.now()), and whether the answer is still to come. */
  private askedAt = 0;
  private asking = false;
  private flyWhenLoaded = false;
  private flyingUntilMs = 0;
  /** The marks have just been set and are to be seen together. */
  fitMarks = false;
  /** The step that marked several together, and what was marked before it. */
  private markStep: { depth: number; before: readonly string[] } | null = null;
  private seenVersion = 0;

  constructor(world: Stage, stream: LiveStream, settings: PageSettings, place: Place) {
    this.world = world;
    this.stream = stream;
    this.settings = settings;
    const { latitude, longitude, zoom } = settings.view;
    this.view = signal(place.view ?? { lat: latitude, lng: longitude, zoom });
    this.steps = steps(() => this.address(), (from, to) => this.restore(parsePlace(location.pathname, location.search), from, to));
  }

  /** Takes over the map and opens what the address names. */
  attach(map: MapHandle, place: Place): void {
    this.map = map;
    this.useFilter(parseFilter(location.search));
    map.onMove((bounds, centre, zoom) => {
      this.stream.setView(bounds);
      batch(() => {
        this.bounds.value = bounds;
        this.view.value = { lat: centre.lat, lng: centre.lng, zoom };
      });
      this.addressLater();
    });
    map.onPick((slots) => this.pick(slots));
    map.onGesture(() => {
      if (this.follow.value) this.setFollow(false);
    });
    map.onMenu((point, x, y) => {
      this.pointMenu.value = { ...point, x, y };
    });
    this.world.onChange(() => this.worldChanged());
    effect(() => {
      if (this.calls.value.length > 0) void import("./marks").then(({ startMarks }) => startMarks(this));
    });
    this.fitMarks = place.view === null;
    batch(() => {
      this.calls.value = place.calls;
      this.side.value = place.side;
      this.at.value = place.at;
      this.moment.value = place.at;
      this.useFrom(place.from);
      if (place.call !== null) this.show(selectionOf(place.call, place.kind), place.view === null || place.follow);
      this.useFollow(place.follow);
    });
    effect(() => {
      const at = this.at.value;
      this.moment.value = at;
    });
    effect(() => {
      const moment = this.moment.value;
      untracked(() => this.momentChanged(moment));
    });
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
    this.steps.write();
  }

  private useFilter(filter: Filter): void {
    this.filter.value = filter;
    this.map?.setFilter(test(filter));
  }

  /** The map goes with the selected station from now on, or no more. */
  setFollow(on: boolean): void {
    this.useFollow(on && this.selection.value !== null);
    if (this.follow.value) this.centreSelected();
    this.steps.write();
  }

  private useFollow(on: boolean): void {
    this.follow.value = on;
    this.map?.setCentred(on);
  }

  /** Marks names together; an empty list marks none. */
  setCalls(calls: readonly string[]): void {
    this.calls.value = [...new Set(calls)].slice(0, MOST_CALLS);
    if (this.calls.value.length === 0 && this.side.value === "marked") this.openSide("");
    else this.steps.write();
  }

  /** The stations nearest to a point. */
  nearTo(point: LatLng): void {
    this.useFrom(point);
    this.pointMenu.value = null;
    if (this.side.value === "near" && this.selection.value === null) this.steps.write();
    else this.openSide("near");
  }

  /** Marks names together, lists them and shows them all. */
  mark(names: readonly string[]): void {
    this.steps.write();
    const before = this.calls.value;
    const depth = this.steps.depth();
    this.fitMarks = true;
    this.calls.value = [...new Set(names)].slice(0, MOST_CALLS);
    this.openSide("marked");
    // Where the list of marks was open already, no step was taken that Back could undo.
    if (this.steps.depth() > depth) this.markStep = { depth: this.steps.depth(), before };
    this.steps.write();
  }

  /** Sets the point that distances are measured from, with a pin on the map. */
  setFrom(from: LatLng | null): void {
    this.useFrom(from);
    if (from === null && this.side.value === "near") this.openSide("");
    else this.steps.write();
  }

  private useFrom(from: LatLng | null): void {
    this.from.value = from;
    this.map?.setPin(from);
  }

  /** Opens what lies beside the map, or closes it with "". A card on top of it goes, and a menu whose choice it was. */
  openSide(side: Side): void {
    const before = this.side.value;
    const card = this.selection.value !== null;
    const chosen = this.over.value !== "" || this.picked.value.length > 0;
    if (before === side && !card && !chosen) return;
    batch(() => {
      if (card) this.hide();
      this.over.value = "";
      this.picked.value = [];
      this.side.value = side;
    });
    if (side === "") {
      // Who closes the list of marks keeps them.
      this.markStep = null;
      this.steps.leave();
    }
    // The menu's step becomes that of what it opened.
    else if (chosen) this.steps.become(before === "" && !card);
    else this.steps.enter(before === "" && !card);
  }

  /** Opens a dialog or a menu over the page, or closes it with "". They are no part of a link. */
  openOver(over: Over): void {
    const before = this.over.value;
    if (before === over) return;
    this.over.value = over;
    if (over === "") this.steps.leave();
    else if (before === "") this.steps.enter(true);
  }

  /** Shows another time, or the present with null. */
  setAt(at: number | null): void {
    const before = this.at.value;
    if (before === at) return;
    this.at.value = at;
    if (at === null) this.steps.leave();
    else if (before === null) this.steps.enter(true);
    else this.steps.write();
  }

  /** Opens time travel an hour ago, or closes it. */
  openTime(): void {
    this.timeBegins = this.at.value === null;
    this.setAt(this.at.value === null ? Date.now() - HOUR_MS : null);
  }

  /** Another world is on the stage, null: the live one. What was known of slots means nothing any more. */
  restage(world: Parameters<Stage["show"]>[0]): void {
    this.world.show(world);
    this.seenVersion = this.world.entities.version;
    this.map?.setWorld(this.world);
    this.seek();
  }

  /** Flies to a view as it is. */
  flyTo(lat: number, lng: number, zoom: number): void {
    this.flyingUntilMs = performance.now() + FLIGHT_MS;
    this.map?.flyTo(lat, lng, zoom);
  }

  /** Flies so that a point comes to the middle of what the card leaves free. */
  flyToPoint(lat: number, lng: number, zoom = Math.max(this.view.value.zoom, STATION_ZOOM)): void {
    const at = this.freeCentre(lat, lng, zoom);
    this.flyTo(at.lat, at.lng, zoom);
  }

  /** Slides there at the zoom that is; a flight under way ends first. */
  panToPoint(lat: number, lng: number): void {
    if (performance.now() < this.flyingUntilMs) return;
    const at = this.freeCentre(lat, lng, this.view.value.zoom);
    this.map?.panTo(at.lat, at.lng);
  }

  /** Shows all the points in what panels leave free. */
  fit(points: readonly LatLng[]): void {
    const open = this.selection.value !== null || this.side.value !== "";
    const sheet = matchMedia(SHEET_QUERY).matches;
    const inset = { left: open && !sheet ? COLUMN_PX : 0, top: sheet ? 80 : 60, right: 60, bottom: open && sheet ? innerHeight / 2 : 40 };
    this.map?.fit(points, inset, STATION_ZOOM);
  }

  /** The middle of the map that brings a point to the middle of what a sheet leaves free. */
  private freeCentre(lat: number, lng: number, zoom: number): LatLng {
    const sheet = (this.selection.value !== null || this.side.value !== "") && matchMedia(SHEET_QUERY).matches;
    const down = sheet ? innerHeight * SHEET_SHIFT : 0;
    return fromMercator((lng + 180) / 360, toMercatorY(lat) + down / (256 * 2 ** zoom));
  }

  /** Opens a card as a step of the history. `fly` when the map may be elsewhere, with the position where it is known. */
  open(selection: Selection, fly: boolean | LatLng = false): void {
    const now = this.selection.value;
    if (now?.name !== selection.name || now.kind !== selection.kind) {
      const picking = this.picked.value.length > 0;
      if (!picking) this.steps.write();
      const following = this.follow.value && now !== null;
      this.show(selection, fly === true || following);
      // Whoever follows one and asks for another looks at that one.
      if (following) this.useFollow(false);
      // The step of the choice under a click becomes that of what was chosen.
      if (picking) this.steps.become(now === null);
      else this.steps.enter(now === null);
      if (typeof fly === "object") this.flyToPoint(fly.lat, fly.lng);
    } else {
      this.unpick();
      if (fly !== false) this.centreSelected();
    }
  }

  /** Closes the choice under a click. */
  private unpick(): void {
    if (this.picked.value.length === 0) return;
    this.picked.value = [];
    this.steps.leave();
  }

  /** Closes what lies on top: the menu of a point, what is over the page, the choice under a click, the card, the side. */
  close(): void {
    if (this.pointMenu.value !== null) {
      this.pointMenu.value = null;
    } else if (this.over.value !== "") {
      this.openOver("");
    } else if (this.picked.value.length > 0) {
      this.unpick();
    } else if (this.selection.value !== null) {
      this.hide();
      this.steps.leave();
    } else if (this.side.value !== "") {
      this.openSide("");
    } else {
      this.setAt(null);
    }
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

  /** A link that shows the same anywhere; `change` what is to be different. */
  link(change: Partial<Place> = {}): string {
    return new URL(formatPlace({ ...this.place(), ...change }, this.filter.value), location.href).href;
  }

  /** What is shown, as an address tells it. */
  private place(): Place {
    const selection = this.selection.value;
    return {
      view: this.view.value,
      call: selection?.name ?? null,
      kind: selection?.kind ?? null,
      follow: this.follow.value,
      calls: this.calls.value,
      from: this.from.value,
      side: this.side.value,
      at: this.at.value,
    };
  }

  refetch(): void {
    const selection = this.selection.value;
    if (selection === null) return;
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    const atMs = this.moment.peek();
    this.askedMs = atMs;
    this.askedAt = performance.now();
    this.asking = true;
    station(selection.name, selection.guess === true ? "any" : selection.kind, request.signal, atMs).then(
      (answer) => {
        if (!request.signal.aborted) this.loaded(answer, atMs);
      },
      (error: unknown) => {
        if (request.signal.aborted) return;
        if (error instanceof ApiError && error.status === 404) this.detail.value = { kind: "missing" };
        // A card that shows something already keeps it over a failed refresh.
        else if (this.detail.value.kind !== "loaded") {
          this.detail.value = { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
        }
      },
    ).finally(() => {
      if (this.request === request) this.asking = false;
    });
  }

  private loaded(answer: StationDetail, atMs: number | null): void {
    const { name, kind } = answer;
    batch(() => {
      this.detail.value = { kind: "loaded", station: answer, atMs };
      if (this.selection.peek()?.guess !== true) return;
      this.selection.value = { name, kind };
      this.seek();
      document.title = `${visible(name)} · Godwit`;
      this.steps.write();
    });
    if (this.flyWhenLoaded && answer.latitude !== undefined && answer.longitude !== undefined) {
      this.flyToPoint(answer.latitude, answer.longitude);
    }
    this.flyWhenLoaded = false;
  }

  /** Another moment is shown, or the present again: a card must not show what was not known then. */
  private momentChanged(moment: number | null): void {
    if (this.selection.peek() === null) return;
    const detail = this.detail.peek();
    if (this.askedMs === moment) return;
    const known = detail.kind === "loaded" && detail.atMs !== null && moment !== null && detail.atMs < moment;
    if (!known) this.detail.value = { kind: "loading" };
    if (known && performance.now() - this.askedAt < MOMENT_AFTER_MS) this.refetchLater(MOMENT_AFTER_MS);
    else this.refetch();
  }

  /** Asks again soon, but not before an answer that is on its way has come. */
  private refetchLater(afterMs: number): void {
    this.refetchTimer ??= setTimeout(() => {
      this.refetchTimer = undefined;
      if (this.asking) this.refetchLater(afterMs);
      else this.refetch();
    }, afterMs);
  }

  private pick(slots: number[]): void {
    const { entities } = this.world;
    const found = slots.filter((slot) => entities.present[slot] === 1).map((slot) => ({
      name: entities.name(slot),
      kind: KINDS[(entities.flags[slot] as number) & 3] ?? "station",
    }));
    const [only] = found;
    if (found.length === 1 && only !== undefined) {
      this.open(only);
    } else if (found.length === 0) {
      this.unpick();
    } else {
      const open = this.picked.value.length > 0;
      if (!open) this.steps.write();
      this.picked.value = found;
      if (!open) this.steps.enter(true);
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
    document.title = `${visible(selection.name)} · Godwit`;
    this.refetch();
  }

  private hide(): void {
    this.request?.abort();
    this.asking = false;
    clearTimeout(this.refetchTimer);
    this.refetchTimer = undefined;
    batch(() => {
      this.selection.value = null;
      this.picked.value = [];
      this.useFollow(false);
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
    this.refetchLater(REFETCH_AFTER_MS);
  }

  /**
   * Back or forward: the card, the side and the view of that step. What no step changes stays: filter, point, and marks
   * but for those that a step of their own set together.
   */
  private restore(place: Place, from: number, to: number): void {
    clearTimeout(this.addressTimer);
    const view = this.view.value;
    const step = this.markStep;
    batch(() => {
      if (step !== null && from >= step.depth && to < step.depth) this.calls.value = step.before;
      if (step !== null && from < step.depth && to >= step.depth) this.calls.value = place.calls;
      this.picked.value = [];
      this.over.value = "";
      this.pointMenu.value = null;
      this.at.value = place.at;
      this.side.value = (place.side === "near" && this.from.value === null) || (place.side === "marked" && this.calls.value.length === 0)
        ? "" : place.side;
      const now = this.selection.value;
      if (place.call === null) {
        if (now !== null) this.hide();
      } else if (now?.name !== place.call || now.kind !== (place.kind ?? "station")) {
        this.show(selectionOf(place.call, place.kind), place.view === null);
      }
    });
    if (place.view !== null && !this.follow.value && formatPlace({ ...NOWHERE, view }) !== formatPlace({ ...NOWHERE, view: place.view })) {
      this.flyTo(place.view.lat, place.view.lng, place.view.zoom);
    }
    this.steps.write();
  }

  /** Writes what is shown into the address, soon. */
  addressLater(): void {
    clearTimeout(this.addressTimer);
    this.addressTimer = setTimeout(() => this.steps.write(), ADDRESS_AFTER_MS);
  }

  private address(): string {
    clearTimeout(this.addressTimer);
    return formatPlace(this.place(), this.filter.value);
  }
}

function selectionOf(name: string, kind: EntityKind | null): Selection {
  return kind === null ? { name, kind: "station", guess: true } : { name, kind };
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
