/** Writes a Mapbox vector tile: for tests of base maps. */
import { PbfWriter } from "pbf";

export interface TestFeature {
  type: 1 | 2 | 3;
  properties: Record<string, string | number>;
  /** Rings, lines or single points, in the extent of 4096. */
  rings: [number, number][][];
}

function geometry({ type, rings }: TestFeature): number[] {
  const zigzag = (n: number) => (n << 1) ^ (n >> 31);
  const out: number[] = [];
  let [x, y] = [0, 0];
  for (const ring of rings) {
    ring.forEach(([px, py], i) => {
      if (i === 0) out.push(9);
      else if (i === 1) out.push(((ring.length - 1) << 3) | 2);
      out.push(zigzag(px - x), zigzag(py - y));
      [x, y] = [px, py];
    });
    if (type === 3) out.push(15);
  }
  return out;
}

export function vectorTile(layers: Record<string, TestFeature[]>): Buffer {
  const tile = new PbfWriter();
  for (const [name, features] of Object.entries(layers)) {
    const keys: string[] = [];
    const values: (string | number)[] = [];
    const index = <T>(list: T[], one: T) => (list.includes(one) ? list.indexOf(one) : list.push(one) - 1);
    const tags = features.map((one) => Object.entries(one.properties).flatMap(([key, value]) => [index(keys, key), index(values, value)]));
    tile.writeMessage(3, (_, layer) => {
      layer.writeVarintField(15, 2);
      layer.writeStringField(1, name);
      features.forEach((one, i) => layer.writeMessage(2, (__, feature) => {
        feature.writePackedVarint(2, tags[i] as number[]);
        feature.writeVarintField(3, one.type);
        feature.writePackedVarint(4, geometry(one));
      }, null));
      for (const key of keys) layer.writeStringField(3, key);
      for (const value of values) {
        layer.writeMessage(4, (__, field) => (typeof value === "string" ? field.writeStringField(1, value) : field.writeVarintField(5, value)), null);
      }
      layer.writeVarintField(5, 4096);
    }, null);
  }
  return Buffer.from(tile.finish());
}
