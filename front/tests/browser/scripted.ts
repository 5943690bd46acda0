/** A live stream that a test writes itself: one tile in the middle of the view, and the page's own drawing to look at. */
import type { Page, WebSocketRoute } from "@playwright/test";
import { type TestEntity, delta, encodeBatch, hello, message, snapshot } from "../encoder.mjs";

/** The tile, and the address of a view whose middle is its own. At zoom 12 a pixel is 32 steps of the tile. */
const TILE: [number, number, number] = [9, 272, 178];
export const STEPS = 32;
const latitude = (Math.atan(Math.sinh(Math.PI * (1 - (2 * 178.5) / 512))) * 180) / Math.PI;
export const ADDRESS = `/?lat=${latitude.toFixed(6)}&lng=${((272.5 / 512) * 360 - 180).toFixed(6)}&z=12`;

/** The place of a point beside the middle of the view, in pixels, within the tile. */
export function at(dx: number, dy: number): { x: number; y: number } {
  return { x: 32_768 + Math.round(dx * STEPS), y: 32_768 + Math.round(dy * STEPS) };
}

export interface Script {
  /** Tells of entities (changed or new) and of ids that are gone. */
  tell(entities: readonly TestEntity[], removed?: readonly number[], baseTimeS?: number): void;
}

/** Takes the server's place for the stream, with these entities at the beginning. */
export async function script(page: Page, entities: readonly TestEntity[]): Promise<Script> {
  let socket: WebSocketRoute | null = null;
  let seq = 1;
  const nowS = () => Math.floor(Date.now() / 1000);
  const send = (...frames: number[][]) => socket?.send(Buffer.from(message(...frames)));
  await page.routeWebSocket("**/live/v1/ws", (route) => {
    socket = route;
    route.onMessage((text) => {
      const asked = (JSON.parse(String(text)) as { tiles: [number, number, number][] }).tiles;
      send(...asked.map((tile) => snapshot(tile, seq, encodeBatch(String(tile.slice(0, 3)) === String(TILE) ? [...entities] : [], { baseTimeS: nowS() }))));
    });
    send(hello(1n, Date.now(), "scripted"));
  });
  return {
    tell(changed, removed = [], baseTimeS = nowS()) {
      send(delta(TILE, seq, seq + 1, encodeBatch([...changed], { baseTimeS, removed: [...removed] })));
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
