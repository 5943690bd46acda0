export interface TestMoment {
  name: string; flags?: number; table?: string; code?: string; course?: number; speed?: number; x: number; y: number; ageMin?: number;
}
export interface TestEvent {
  what: "gone" | "quiet" | number; atS: number; x?: number; y?: number; speed?: number;
}
export interface TestMover {
  name: string; flags?: number; table?: string; code?: string; events: TestEvent[];
}
export function encodeBlock(
  tile: [number, number, number], block: number, content: { key?: TestMoment[]; moves?: TestMover[]; cells?: { cell: number; entities: number }[] },
  options?: { spanS?: number; coveredS?: number; packing?: number },
): Uint8Array;
