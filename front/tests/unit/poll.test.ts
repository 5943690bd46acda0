import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LiveStream } from "../../src/live/stream";
import { World } from "../../src/live/world";
import { delta, encodeBatch, hello, message, snapshot } from "../encoder.mjs";

/** A socket that a proxy refuses, until it is let through. */
class Refused {
  static readonly OPEN = 1;
  static all: Refused[] = [];
  static refuse = true;
  readyState = 0;
  binaryType = "";
  onopen: () => void = () => {};
  onclose: () => void = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};
  readonly sent: string[] = [];
  constructor() {
    Refused.all.push(this);
    if (Refused.refuse) setTimeout(() => this.close(), 5);
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose();
  }
}

const VIEW = { zoom: 12, west: 0.501, east: 0.5011, north: 0.3, south: 0.3001 };
const TILE: [number, number, number] = [9, 256, 153];
const EPOCH = "0000000000000abc";
const one = (id: number, x = 1) => ({ id, x, y: 1, name: `T${id}` });

let page: EventTarget & { visibilityState: string };
let world: World;
let stream: LiveStream;
let asked: string[];
let answer: (url: string) => Response | Promise<Response>;

const bytes = (...frames: number[][]) => new Response(message(...frames).buffer as ArrayBuffer);
const whole = (epoch: bigint, seq: number, ...ids: number[]) => bytes(hello(epoch, Date.now()), snapshot(TILE, seq, encodeBatch(ids.map((id) => one(id)))));

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"] });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  Refused.all = [];
  Refused.refuse = true;
  asked = [];
  answer = () => whole(0xabcn, 5, 1);
  page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const scope = new EventTarget();
  vi.stubGlobal("WebSocket", Refused);
  vi.stubGlobal("document", page);
  vi.stubGlobal("navigator", { onLine: true });
  vi.stubGlobal("addEventListener", scope.addEventListener.bind(scope));
  vi.stubGlobal("removeEventListener", scope.removeEventListener.bind(scope));
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    return answer(url);
  });
  await import("../../src/live/poll");
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

/** Time passes, and all that was waited for is done. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 250) {
    await vi.advanceTimersByTimeAsync(Math.min(250, left));
    for (let i = 0; i < 30; i++) await Promise.resolve();
  }
}

async function untilPolling(): Promise<void> {
  for (let i = 0; i < 40 && stream.state.value.kind !== "polling"; i++) await pass(250);
  expect(stream.state.value.kind).toBe("polling");
}

test("sockets that are refused twice: the tiles come over HTTP, by what is missed", async () => {
  await untilPolling();
  expect(Refused.all).toHaveLength(2);
  expect(asked).toEqual(["http://x/live/v1/tiles/9/256/153"]);
  expect(world.size).toBe(1);
  answer = () => bytes(hello(0xabcn, Date.now()), delta(TILE, 5, 8, encodeBatch([one(2)])));
  await pass(3500);
  expect(asked.slice(1)).toEqual([`http://x/live/v1/tiles/9/256/153?since=${EPOCH}-5`]);
  expect(world.size).toBe(2);
  answer = () => new Response(null, { status: 204 });
  await pass(3000);
  expect(asked.at(-1)).toBe(`http://x/live/v1/tiles/9/256/153?since=${EPOCH}-8`);
  expect(stream.state.value.kind).toBe("polling");
});

test("a socket is tried now and then, and takes over where the answers ended", async () => {
  await untilPolling();
  answer = () => new Response(null, { status: 204 });
  const before = Refused.all.length;
  await pass(40_000);
  expect(Refused.all).toHaveLength(before);
  Refused.refuse = false;
  await pass(8_000);
  expect(Refused.all).toHaveLength(before + 1);
  expect(stream.state.value.kind).toBe("polling");
  const socket = Refused.all.at(-1) as Refused;
  socket.readyState = 1;
  socket.onopen();
  expect(socket.sent).toEqual([JSON.stringify({ tiles: [[...TILE, 5]], epoch: EPOCH })]);
  socket.onmessage({ data: message(hello(0xabcn, Date.now())).buffer });
  await pass(250);
  expect(stream.state.value.kind).toBe("live");
  const polls = asked.length;
  await pass(10_000);
  expect(asked).toHaveLength(polls);
  expect(world.size).toBe(1);
});

test("a hidden page asks nothing, and asks at once when it is seen", async () => {
  await untilPolling();
  page.visibilityState = "hidden";
  page.dispatchEvent(new Event("visibilitychange"));
  await pass(5000);
  const polls = asked.length;
  await pass(60_000);
  expect(asked).toHaveLength(polls);
  page.visibilityState = "visible";
  page.dispatchEvent(new Event("visibilitychange"));
  await pass(250);
  expect(asked).toHaveLength(polls + 1);
});

test("a server that is away over HTTP too is waited for as ever", async () => {
  answer = () => Promise.reject(new TypeError("Failed to fetch"));
  await pass(20_000);
  expect(stream.state.value.kind).toBe("reconnecting");
  expect(Refused.all.length).toBeGreaterThan(3);
  expect(asked.length).toBeLessThanOrEqual(Refused.all.length);
  answer = () => whole(0xabcn, 5, 1);
  await untilPolling();
  answer = () => new Response("", { status: 503 });
  await pass(7000);
  expect(stream.state.value.kind).toBe("reconnecting");
  expect(world.size).toBe(1);
});

test("of two servers behind one address the first is followed, until it is silent", async () => {
  await untilPolling();
  answer = () => whole(0xdefn, 3, 8, 9);
  await pass(3200);
  expect(world.find("T8")).toBeNull();
  answer = () => bytes(hello(0xabcn, Date.now()), delta(TILE, 5, 6, encodeBatch([one(2)])));
  await pass(3000);
  expect(world.size).toBe(2);
  answer = () => whole(0xdefn, 3, 8, 9);
  await pass(10_000);
  expect(world.find("T8")).not.toBeNull();
  expect(world.find("T1")).toBeNull();
  answer = (url) => new Response(null, { status: url.endsWith("?since=0000000000000def-3") ? 204 : 500 });
  await pass(7000);
  expect(stream.state.value.kind).toBe("polling");
});

test("a newer version is not asked again", async () => {
  answer = () => new Response(Uint8Array.of(2, 0, 0));
  await pass(30_000);
  expect(stream.state.value.kind).toBe("outdated");
  expect(asked).toHaveLength(1);
});

test("a connection that opens and says nothing is given up", async () => {
  Refused.refuse = false;
  const silent = new LiveStream(world, "ws://x/live/v1/ws");
  silent.start();
  silent.setView(VIEW);
  const first = Refused.all.at(-1) as Refused;
  first.readyState = 1;
  first.onopen();
  await pass(16_000);
  expect(first.readyState).toBe(3);
  await pass(16_000);
  expect(silent.state.value.kind).toBe("polling");
  silent.stop();
});
