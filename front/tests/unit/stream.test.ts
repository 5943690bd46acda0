import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LiveStream } from "../../src/live/stream";
import { World } from "../../src/live/world";
import { type TestEntity, delta, encodeBatch, hello, leave, message, pulse, snapshot } from "../encoder.mjs";

/** The server's end of each connection that the page opened. */
class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  static get last(): FakeSocket {
    return FakeSocket.all.at(-1) as FakeSocket;
  }
  readyState = 0;
  binaryType = "";
  closed = false;
  readonly asked: { tiles: number[][]; epoch?: string }[] = [];
  onopen: () => void = () => {};
  onclose: () => void = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};
  constructor() {
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.asked.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
    this.readyState = 3;
    this.onclose();
  }
  async accept(): Promise<void> {
    this.readyState = 1;
    this.onopen();
    await vi.advanceTimersByTimeAsync(0);
  }
  async say(...frames: number[][]): Promise<void> {
    this.onmessage({ data: message(...frames).buffer });
    await vi.advanceTimersByTimeAsync(0);
  }
}

const VIEW = { zoom: 12, west: 0.501, east: 0.5011, north: 0.3, south: 0.3001 };
const TILE: [number, number, number] = [9, 256, 153];
const entity = (id: number): TestEntity => ({ id, x: 1, y: 1, name: `T${id}` });

let page: EventTarget & { visibilityState: string };
let world: World;
let stream: LiveStream;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  vi.spyOn(console, "warn").mockImplementation(() => {});
  FakeSocket.all = [];
  page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const scope = new EventTarget();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("document", page);
  vi.stubGlobal("navigator", { onLine: true });
  vi.stubGlobal("addEventListener", scope.addEventListener.bind(scope));
  vi.stubGlobal("removeEventListener", scope.removeEventListener.bind(scope));
  world = new World((run) => run(), () => Date.now());
  stream = new LiveStream(world, "ws://x/live/v1/ws");
  stream.start();
  stream.setView(VIEW);
});

afterEach(() => {
  stream.stop();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function becomeLive(epoch = 0xabcn): Promise<FakeSocket> {
  const socket = FakeSocket.last;
  await socket.accept();
  await socket.say(hello(epoch, Date.now() + 5000));
  return socket;
}

async function hide(hidden: boolean): Promise<void> {
  page.visibilityState = hidden ? "hidden" : "visible";
  page.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(0);
}

test("asks for the tiles of the view and is live with the hello", async () => {
  expect(stream.state.value.kind).toBe("connecting");
  const socket = await becomeLive();
  expect(socket.asked).toEqual([{ tiles: [TILE] }]);
  expect(stream.state.value.kind).toBe("live");
  expect(stream.clockOffsetMs.value).toBe(5000);
  await socket.say(pulse(Date.now(), 1, 77, 60));
  expect(stream.pulse.value?.entities).toBe(77);
});

test("a moved view replaces the list; tiles that stay carry no sequence", async () => {
  const socket = await becomeLive();
  await socket.say(snapshot(TILE, 5, encodeBatch([entity(1)])));
  stream.setView({ ...VIEW, west: 0.5018, east: 0.5019 });
  stream.setView({ ...VIEW, west: 0.5019, east: 0.502 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(socket.asked).toHaveLength(2);
  expect(socket.asked[1]?.tiles).toContainEqual([9, 257, 153]);
  stream.setView({ ...VIEW, west: 0.504, east: 0.5041 });
  await vi.advanceTimersByTimeAsync(1000);
  stream.setView(VIEW);
  await vi.advanceTimersByTimeAsync(1000);
  // Left and wanted again: from where it was left.
  expect(socket.asked.at(-1)).toEqual({ tiles: [[...TILE, 5]], epoch: "0000000000000abc" });
});

describe("after a break", () => {
  test("resumes by epoch and sequence", async () => {
    const socket = await becomeLive();
    await socket.say(snapshot(TILE, 7, encodeBatch([entity(1)])));
    await socket.say(delta(TILE, 7, 9, encodeBatch([entity(2)])));
    socket.close();
    expect(stream.state.value.kind).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(500);
    const next = FakeSocket.last;
    await next.accept();
    expect(next.asked).toEqual([{ tiles: [[...TILE, 9]], epoch: "0000000000000abc" }]);
    await next.say(hello(0xabcn, 0));
    await next.say(delta(TILE, 9, 10, encodeBatch([entity(3)])));
    expect(world.size).toBe(3);
  });

  test("another epoch: what was known is replaced by the first snapshot", async () => {
    const socket = await becomeLive();
    await socket.say(snapshot(TILE, 7, encodeBatch([entity(1)])));
    socket.close();
    await vi.advanceTimersByTimeAsync(500);
    const next = await becomeLive(0xdefn);
    expect(world.size).toBe(1);
    await next.say(snapshot(TILE, 1, encodeBatch([entity(8), entity(9)])));
    expect(world.size).toBe(2);
    expect(world.find("T1")).toBeNull();
  });

  test("waits longer each time, at most 30 s; a good connection starts over", async () => {
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      FakeSocket.last.close();
      const state = stream.state.value;
      if (state.kind !== "reconnecting") throw new Error(state.kind);
      waits.push(state.atMs - Date.now());
      await vi.advanceTimersByTimeAsync(state.atMs - Date.now());
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    const socket = await becomeLive();
    await vi.advanceTimersByTimeAsync(11_000);
    socket.close();
    expect(stream.state.value).toEqual({ kind: "reconnecting", atMs: Date.now() + 500 });
  });

  test("a delta that does not fit asks again, and not in a storm", async () => {
    const socket = await becomeLive();
    await socket.say(snapshot(TILE, 5, encodeBatch([])));
    for (let i = 0; i < 5; i++) await socket.say(delta(TILE, 8 + i, 9 + i, encodeBatch([])));
    expect(socket.asked).toEqual([{ tiles: [TILE] }, { tiles: [[...TILE, 5]], epoch: "0000000000000abc" }]);
  });

  test("bytes that are no message: closes, comes back, and trusts nothing it had", async () => {
    const socket = await becomeLive();
    await socket.say(snapshot(TILE, 5, encodeBatch([entity(1)])));
    await socket.say([2, 200]);
    expect(socket.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(1000);
    await FakeSocket.last.accept();
    expect(FakeSocket.last.asked).toEqual([{ tiles: [TILE] }]);
  });

  test("a newer version is not retried", async () => {
    const socket = await becomeLive();
    socket.onmessage({ data: Uint8Array.of(2, 0, 0).buffer });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(stream.state.value.kind).toBe("outdated");
    expect(FakeSocket.all).toHaveLength(1);
  });
});

test("without a network it says so and tries all the same", async () => {
  const socket = await becomeLive();
  vi.stubGlobal("navigator", { onLine: false });
  socket.close();
  expect(stream.state.value.kind).toBe("offline");
  await vi.advanceTimersByTimeAsync(600);
  expect(FakeSocket.all).toHaveLength(2);
  await becomeLive();
  expect(stream.state.value.kind).toBe("live");
});

test("silence is a dead connection", async () => {
  const socket = await becomeLive();
  await vi.advanceTimersByTimeAsync(36_000);
  expect(socket.closed).toBe(true);
  expect(FakeSocket.all.length).toBeGreaterThan(1);
});

test("leave: stays until the delay is over, then moves over at once", async () => {
  const socket = await becomeLive();
  await socket.say(leave(3000));
  await vi.advanceTimersByTimeAsync(2900);
  expect(FakeSocket.all).toHaveLength(1);
  expect(stream.state.value.kind).toBe("live");
  await vi.advanceTimersByTimeAsync(200);
  expect(FakeSocket.all).toHaveLength(2);
  expect(socket.closed).toBe(true);
});

test("leave is honoured when the server goes before its time", async () => {
  const socket = await becomeLive();
  await socket.say(leave(20_000));
  socket.close();
  await vi.advanceTimersByTimeAsync(19_000);
  expect(FakeSocket.all).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2000);
  expect(FakeSocket.all).toHaveLength(2);
});

test("a page hidden for minutes closes and catches up when it is seen again", async () => {
  const socket = await becomeLive();
  await socket.say(snapshot(TILE, 5, encodeBatch([entity(1)])));
  await hide(true);
  for (let i = 0; i < 20; i++) {
    await vi.advanceTimersByTimeAsync(10_000);
    if (!socket.closed) await socket.say(pulse(Date.now(), 1, 1, 1));
  }
  expect(socket.closed).toBe(true);
  expect(stream.state.value.kind).toBe("paused");
  expect(FakeSocket.all).toHaveLength(1);
  await hide(false);
  await FakeSocket.last.accept();
  expect(FakeSocket.last.asked).toEqual([{ tiles: [[...TILE, 5]], epoch: "0000000000000abc" }]);
});
