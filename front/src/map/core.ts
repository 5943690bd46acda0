/** What the map offers to its parts that are loaded later: the frame, what is seen in it, and a place to draw. */
import type Leaflet from "leaflet";
import type { LiveWorld } from "../live/types";
import type { Frame } from "./overlay";
import type { Passes, Scene } from "./scene";
import type { Theme } from "./theme";

/** A point of the canvases, in CSS pixels. */
export interface At {
  x: number;
  y: number;
}

/** Something that draws on the map and may be pressed. */
export interface Part {
  /** Draws beneath the symbols. */
  under?(context: CanvasRenderingContext2D, frame: Frame, nowMs: number): void;
  /** Draws above symbols and names. */
  over?(context: CanvasRenderingContext2D, frame: Frame, nowMs: number): void;
  /** A click, before symbols have their turn: true when it is taken. */
  press?(at: At, place: Leaflet.LatLng): boolean;
  /** A click with the symbols found under it (nearest first, perhaps none): true when it is taken. */
  pick?(at: At, found: number[]): boolean;
  /** The pointer is over a point, with the symbols under it; null when it left. True: what is there can be pressed. */
  hover?(at: At | null, found: number[]): boolean;
  /** The view has moved. */
  moved?(): void;
}

export interface Core {
  readonly leaflet: Leaflet.Map;
  readonly scene: Scene;
  readonly frame: Frame;
  readonly world: LiveWorld;
  readonly theme: Theme;
  /** The slot that is selected, or -1. */
  readonly selected: number;
  /** What the filter lets pass; null: everything. */
  readonly passes: Passes | null;
  /** Nothing may glide. */
  readonly still: boolean;
  /** CSS pixels of a symbol now. */
  readonly symbolSize: number;
  /** Draws the next frame; names are chosen anew when `names` is true. */
  redraw(names?: boolean): void;
  /** Adds a part; the answer takes it away again. */
  add(part: Part): () => void;
  /** Called with each change of the world, whichever is shown. Returns how to stop. */
  onChange(listener: () => void): () => void;
}
