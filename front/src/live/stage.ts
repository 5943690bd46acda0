/** The world that the page shows: the live one, or another time. Who reads it need not know which. */
import type { DensityCell, EntityColumns, LiveWorld } from "./types";

type Shown = LiveWorld & { readonly size: number };

export class Stage implements LiveWorld {
  private readonly listeners = new Set<() => void>();
  private shown: Shown;
  private readonly live: Shown;
  private unlisten: () => void;

  constructor(live: Shown) {
    this.live = live;
    this.shown = live;
    this.unlisten = live.onChange(this.announce);
  }

  get entities(): EntityColumns {
    return this.shown.entities;
  }

  /** How many entities are known. */
  get size(): number {
    return this.shown.size;
  }

  get density(): readonly DensityCell[] {
    return this.shown.density;
  }

  /** Shows another world; null: the live one. Slots and versions known so far mean nothing any more. */
  show(world: Shown | null): void {
    this.unlisten();
    this.shown = world ?? this.live;
    this.unlisten = this.shown.onChange(this.announce);
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The slot of an entity by its name as shown and its kind (0 station, 1 object, 2 item); null when not on the map. */
  find(name: string, kind?: number): number | null {
    const { present, flags, length } = this.entities;
    for (let slot = 0; slot < length; slot++) {
      if (present[slot] && this.entities.name(slot) === name && (kind === undefined || ((flags[slot] as number) & 3) === kind)) return slot;
    }
    return null;
  }

  private readonly announce = (): void => {
    for (const listener of this.listeners) listener();
  };
}
