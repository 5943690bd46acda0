/** A live stream that a test writes itself: one tile in the middle of the view, and the page's own drawing to look at. */
import type { Page, WebSocketRoute } from "@playwright/test";
import { type TestEntity, delta, encodeBatch, hello, message, snapshot } from "../encoder.mjs";

export type Tile = [level: number, x: number, y: number];

/** The tile unless a test names another, and the address of a view whose middle is its own. */
const TILE: Tile = [9, 272, 178];
export const STEPS = stepsOf(TILE, 12);
export const ADDRESS = addressOf(TILE, 12);

/** Steps of a tile in a pixel. */
function stepsOf([level]: Tile, zoom: number): number {
  return 65_536 / (256 * 2 ** (zoom - level));
}

/** A view whose middle is the tile's. */
export function addressOf([level, x, y]: Tile, zoom: number): string {
  const side = 2 ** level;
  const latitude = (Math.atan(Math.sinh(Math.PI * (1 - (2 * y + 1) / side))) * 180) / Math.PI;
  return `/?lat=${latitude.toFixed(6)}&lng=${(((x + 0.5) / side) * 360 - 180).toFixed(6)}&z=${zoom}`;
}

/** The place of a point beside the middle of the view, in pixels, within the tile. */
export function at(dx: number, dy: number, tile = TILE, zoom = 12): { x: number; y: number } {
  const steps = stepsOf(tile, zoom);
  return { x: 32_768 + Math.round(dx * steps), y: 32_768 + Math.round(dy * steps) };
}

export interface Script {
  /** Tells of entities (changed or new) and of ids that are gone. */
  tell(entities: readonly TestEntity[], removed?: readonly number[], baseTimeS?: number): void;
}

/** Takes the server's place for the stream, with these entities at the beginning. */
export async function script(page: Page, entities: readonly TestEntity[], told = TILE): Promise<Script> {
  let socket: WebSocketRoute | null = null;
  let seq = 1;
  const nowS = () => Math.floor(Date.now() / 1000);
  const send = (...frames: number[][]) => socket?.send(Buffer.from(message(...frames)));
  await page.routeWebSocket("**/live/v1/ws", (route) => {
    socket = route;
    route.onMessage((text) => {
      const asked = (JSON.parse(String(text)) as { tiles: Tile[] }).tiles;
      send(...asked.map((tile) => snapshot(tile, seq, encodeBatch(String(tile.slice(0, 3)) === String(told) ? [...entities] : [], { baseTimeS: nowS() }))));
    });
    send(hello(1n, Date.now(), "scripted"));
  });
  return {
    tell(changed, removed = [], baseTimeS = nowS()) {
      send(delta(told, seq, seq + 1, encodeBatch([...changed], { baseTimeS, removed: [...removed] })));
      seq++;
    },
  };
}

export interface Ink {
  /** Drawn pixels, their middle in CSS pixels of the canvas, and how opaque the fullest is (0..255). */
  count: number;
  x: number;
  y: number;
  alpha: number;
}

/** Looks at the symbols' canvas before each picture, for so long; `null` for one look. */
export function watchInk(page: Page, ms: number | null): Promise<Ink[]> {
  return page.evaluate(async (forMs) => {
    const look = () => {
      const canvas = document.querySelectorAll<HTMLCanvasElement>(".overlay canvas")[2] as HTMLCanvasElement;
      const copy = document.createElement("canvas");
      [copy.width, copy.height] = [canvas.width, canvas.height];
      const context = copy.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
      context.drawImage(canvas, 0, 0);
      const { data } = context.getImageData(0, 0, copy.width, copy.height);
      const ratio = canvas.width / canvas.clientWidth;
      const ink = { count: 0, x: 0, y: 0, alpha: 0 };
      for (let i = 3; i < data.length; i += 4) {
        const alpha = data[i] as number;
        if (alpha < 30) continue;
        const pixel = (i - 3) / 4;
        ink.count++;
        ink.x += (pixel % copy.width) / ratio;
        ink.y += Math.floor(pixel / copy.width) / ratio;
        ink.alpha = Math.max(ink.alpha, alpha);
      }
      ink.x /= ink.count;
      ink.y /= ink.count;
      return ink;
    };
    const seen = [look()];
    const begin = performance.now();
    while (forMs !== null && performance.now() - begin < forMs) {
      await new Promise(requestAnimationFrame);
      seen.push(look());
    }
    return seen;
  }, ms);
}
