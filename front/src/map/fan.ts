/** Symbols that lie on each other, fanned out by a click: on a circle, from the eleventh on along a spiral. */
import type { At, Core, Part } from "./core";
import type { Frame } from "./overlay";
import { FIELDS } from "./scene";
import { fanPlace } from "./spread";

const FAN_ZOOM = 11;

export class Fan implements Part {
  private readonly core: Core;
  private zoom = 0;
  /** A slot may come to be somebody else's. */
  private names = new Map<number, string>();

  constructor(core: Core) {
    this.core = core;
  }

  get open(): boolean {
    return this.core.scene.fan !== null;
  }

  close(): void {
    if (!this.open) return;
    this.core.scene.fan = null;
    this.core.redraw(true);
  }

  pick(_at: At, found: number[]): boolean {
    const { scene, frame, world } = this.core;
    const { fan } = scene;
    // One of those fanned out: it is opened, the rest stays within reach.
    if (fan !== null && found.length > 0 && fan.has(found[0] as number)) {
      if (found.length === 1) return false;
    } else {
      this.close();
    }
    if (found.length < 2 || frame.zoom < FAN_ZOOM) return false;
    const places = found.map((slot) => this.place(slot));
    const x = places.reduce((sum, one) => sum + one[0], 0) / places.length;
    const y = places.reduce((sum, one) => sum + one[1], 0) / places.length;
    scene.fan = new Map(found.map((slot, i) => {
      const [dx, dy] = fanPlace(i, found.length);
      const [px, py] = places[i] as [number, number];
      return [slot, [x + dx - px, y + dy - py]] as const;
    }));
    this.zoom = frame.zoom;
    this.names = new Map(found.map((slot) => [slot, world.entities.name(slot)]));
    this.core.redraw(true);
    return true;
  }

  /** Where a symbol belongs, whatever the fan does to it. */
  private place(slot: number): [number, number] {
    const at = this.core.scene.placeOf(slot) ?? { x: 0, y: 0 };
    const aside = this.core.scene.fan?.get(slot) ?? [0, 0];
    return [at.x - aside[0], at.y - aside[1]];
  }

  /** The world has changed: a fan without one of its members is none. */
  follow(): void {
    for (const [slot, name] of this.open ? this.names : []) {
      if (this.core.world.entities.name(slot) !== name) this.close();
    }
  }

  moved(): void {
    if (this.core.frame.zoom !== this.zoom) this.close();
  }

  under(context: CanvasRenderingContext2D, _frame: Frame): void {
    const { scene, theme } = this.core;
    if (scene.fan === null) return;
    const legs = new Path2D();
    for (let i = 0; i < scene.count; i++) {
      const aside = scene.fan.get(scene.slots[i] as number);
      if (aside === undefined) continue;
      const [x, y] = [scene.data[i * FIELDS] as number, scene.data[i * FIELDS + 1] as number];
      legs.moveTo(x, y);
      legs.lineTo(x - aside[0], y - aside[1]);
      legs.moveTo(x - aside[0] + 2.5, y - aside[1]);
      legs.arc(x - aside[0], y - aside[1], 2.5, 0, 7);
    }
    context.lineWidth = 4;
    context.strokeStyle = theme.halo;
    context.stroke(legs);
    context.lineWidth = 1.5;
    context.strokeStyle = theme.label;
    context.stroke(legs);
  }
}
