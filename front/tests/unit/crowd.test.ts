/** Clusters lose nobody; silence fades by what is usual. */
import { describe, expect, test } from "vitest";
import { Clusters, short } from "../../src/map/clusters";
import { FAINT, visibility } from "../../src/map/fade";

const frame = (zoom: number) => ({ scale: 256 * 2 ** zoom, left: 5000, top: 3000, width: 1400, height: 900, zoom, ratio: 1 });

/** Points of a fixed pattern: dense in the middle, thin outside. */
function points(count: number): Float32Array {
  const data = new Float32Array(count * 2);
  let state = 1;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  for (let i = 0; i < count; i++) {
    data[i * 2] = i % 4 === 0 ? random() * 1400 : 600 + random() * 200;
    data[i * 2 + 1] = i % 4 === 0 ? random() * 900 : 400 + random() * 200;
  }
  return data;
}

function fold(clusters: Clusters, data: Float32Array, zoom: number, keep: (i: number) => boolean = () => false) {
  const slots = Array.from({ length: data.length / 2 }, (_, i) => i);
  const move = (from: number, to: number) => {
    data.copyWithin(to * 2, from * 2, from * 2 + 2);
    slots[to] = slots[from] as number;
  };
  const left = clusters.fold(data, 2, data.length / 2, frame(zoom), keep, move);
  return { left, slots: slots.slice(0, left) };
}

describe("clusters", () => {
  test.each([1001, 5000, 40_000])("singles and counts make %i", (count) => {
    const clusters = new Clusters();
    const { left, slots } = fold(clusters, points(count), 6);
    expect(clusters.list.length).toBeGreaterThan(0);
    expect(left + clusters.list.reduce((sum, one) => sum + one.count, 0)).toBe(count);
    expect(new Set(slots).size).toBe(left);
    expect(Math.min(...clusters.list.map((one) => one.count))).toBeGreaterThan(3);
  });

  test("a few symbols, or a near view, stay as they are", () => {
    const clusters = new Clusters();
    expect(fold(clusters, points(1000), 6).left).toBe(1000);
    expect(fold(clusters, points(5000), 9).left).toBe(5000);
    expect(clusters.list).toEqual([]);
  });

  test("begin and end at different numbers", () => {
    const clusters = new Clusters();
    fold(clusters, points(1100), 6);
    fold(clusters, points(800), 6);
    expect(clusters.list.length).toBeGreaterThan(0);
    fold(clusters, points(600), 6);
    expect(clusters.list).toEqual([]);
    fold(clusters, points(800), 6);
    expect(clusters.list).toEqual([]);
  });

  test("the selected one stands apart, and what is left keeps its order", () => {
    const clusters = new Clusters();
    const { slots } = fold(clusters, points(5000), 6, (i) => i === 4321);
    expect(slots).toContain(4321);
    expect(slots).toEqual([...slots].sort((a, b) => a - b));
  });

  test("a cluster is found where it is drawn and knows where its members lie", () => {
    const clusters = new Clusters();
    fold(clusters, points(5000), 6);
    for (const one of clusters.list) {
      expect(clusters.at(one.x, one.y)).toBeDefined();
      expect(one.x).toBeGreaterThanOrEqual(one.box[0]);
      expect(one.x).toBeLessThanOrEqual(one.box[2]);
      expect(one.box[2] - one.box[0]).toBeLessThanOrEqual(72);
    }
  });

  test("numbers are short", () => {
    expect([7, 999, 1000, 9949, 9950, 34_000].map(short)).toEqual(["7", "999", "1.0k", "9.9k", "10k", "34k"]);
  });
});

describe("fading", () => {
  test("is by the usual interval, where it is known", () => {
    expect(visibility(0, true, 60, 290)).toBe(1);
    expect(visibility(0, true, 60, 600)).toBeLessThan(1);
    expect(visibility(0, false, 1800, 600)).toBe(1);
    expect(visibility(0, false, 1800, 3 * 1800)).toBe(1);
    expect(visibility(0, false, 1800, 12 * 1800)).toBeCloseTo(FAINT);
  });
  test("else by kind: what moves fades first, objects last", () => {
    const at = 3000;
    const [moving, fixed, object] = [visibility(0, true, 0, at), visibility(0, false, 0, at), visibility(1, false, 0, at)];
    expect(moving).toBeLessThan(fixed);
    expect(fixed).toBeLessThan(object);
    expect(object).toBe(1);
  });
  test("never ends in nothing", () => {
    expect(visibility(0, true, 30, 1e9)).toBe(FAINT);
    expect(visibility(0, false, 7650, 1e9)).toBe(FAINT);
  });
});
