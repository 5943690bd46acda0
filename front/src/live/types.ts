/**
 * What the stream knows and the map draws. One slot an entity, columns instead of objects, so that 100,000 entities
 * cost no garbage. `live/world.ts` owns and fills it; `map/` only reads it.
 */
export interface EntityColumns {
  /** Slots ever used; a slot with `present[slot] === 0` is a hole. */
  readonly length: number;
  /** Grows with every change; `changedSince` tells which slots. */
  readonly version: number;
  present: Uint8Array;
  /** Web Mercator, 0..1 from the west and from the north. */
  x: Float64Array;
  y: Float64Array;
  /** Where it stood before its last move, and when (performance.now() ms) the move arrived: for smooth motion. */
  fromX: Float64Array;
  fromY: Float64Array;
  movedAtMs: Float64Array;
  /** Symbol table and code as sent (ASCII codes); table 0-9 A-Z means alternate table with that overlay. */
  symbolTable: Uint8Array;
  symbolCode: Uint8Array;
  /** Degrees, 360 = north; 0xffff unknown. */
  courseDeg: Uint16Array;
  /** km/h; NaN unknown. */
  speedKmh: Float32Array;
  /** How far it reaches by its own word (PHG, RNG), km; 0 when it does not say. */
  rangeKm: Float32Array;
  /** Usual seconds between two beacons; 0 unknown. */
  intervalS: Uint16Array;
  /** Seconds since 1970; last heard. */
  heardS: Uint32Array;
  /** The flags byte of the wire (docs/protocol.md). */
  flags: Uint8Array;
  /** The name as sent, decoded for display (UTF-8, else Latin-1). */
  name(slot: number): string;
  /** Slots changed (also added, removed) since a version; null when too many to list: read all. */
  changedSince(version: number): Iterable<number> | null;
}

/** A cell of the density view at low zoom: centre in Web Mercator 0..1, and how many entities it holds. */
export interface DensityCell {
  x: number;
  y: number;
  entities: number;
}

/** What the live side offers to the map. */
export interface LiveWorld {
  readonly entities: EntityColumns;
  /** Set at zooms 0-4, else empty. */
  readonly density: readonly DensityCell[];
  /** Called after each applied message, at most once a frame. Returns how to stop listening. */
  onChange(listener: () => void): () => void;
}

/** What the map tells the live side: the view after each move (tiles are chosen from it). */
export interface MapView {
  /** Fractional zoom of 256 px tiles. */
  zoom: number;
  /** Bounds in Web Mercator; west may be < 0 or east > 1 when the view crosses the date line. */
  west: number;
  north: number;
  east: number;
  south: number;
}
