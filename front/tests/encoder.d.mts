export interface TestEntity {
  id: number; x: number; y: number; age?: number; table?: string; code?: string;
  course?: number; flags?: number; speed?: number; range?: number; interval?: number; name: string | number[];
}
type Tile = [number, number, number];
export function varint(n: number): number[];
export function encodeBatch(entities: TestEntity[], options?: { baseTimeS?: number; removed?: number[]; extra?: number; old?: boolean }): Uint8Array;
export function frame(kind: number, body: number[] | Uint8Array): number[];
export function hello(epoch: bigint, serverTimeMs: number, version?: string): number[];
export function snapshot(tile: Tile, seq: number, batch: Uint8Array, packing?: number): number[];
export function delta(tile: Tile, from: number, to: number, batch: Uint8Array, packing?: number): number[];
export function density(tile: Tile, seq: number, cells: { cell: number; entities: number }[], options?: { grid?: number; packing?: number; baseTimeS?: number }): number[];
export function pulse(serverTimeMs: number, viewers: number, entities: number, perMinute: number): number[];
export function leave(delayMs: number): number[];
export function message(...frames: number[][]): Uint8Array<ArrayBuffer>;
