import { afterEach, expect, test } from "bun:test";
import { DEFAULT_POLICY, type Event, systemClock, toJsonText, topicOf } from "@ovation/protocol";
import { startTcpProxy } from "../../testing/tcp-proxy.ts";
import { until } from "../../testing/until.ts";
import { startInternalFrontend, testAuth } from "../testing/internal-frontend.ts";
import {
  ARRIVAL_REOPEN_MS_MAX,
  ARRIVAL_ROUND_MS_MAX,
  LinkArrival,
  type PingedLink,
} from "./arrival.ts";
import { createWebSocketLinks } from "./links-websocket.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const topic = topicOf("video", "1");
const goal = (at: number): Event => ({
  topic,
  type: "goal",
  at,
  data: toJsonText({ text: "x".repeat(200) }),
});

/** A frontend that a dispatcher reaches over a network that can be broken. */
async function linked() {
  const one = startInternalFrontend();
  cleanups.push(() => one.listener.stop());
  const network = await startTcpProxy({ target: { port: one.listener.port } });
  cleanups.push(() => network.stop());
  const out = createWebSocketLinks({
    auth: testAuth(),
    from: "dispatcher one",
    policy: DEFAULT_POLICY,
    clock: systemClock,
  });
  cleanups.push(() => out.close());
  const send = (events: readonly Event[]) =>
    out.send({ id: one.credential.id, url: `http://127.0.0.1:${network.port}` }, events);
  send([goal(0)]);
  await until(() => one.received.length === 1, "the link is open");
  return { one, network, out, send };
}

test("events in flight on a link, and pending behind them, have arrived", async () => {
  const { one, network, send } = await linked();
  network.halfCut("there");
  for (let at = 1; at <= 20_000; at += 100) {
    send(Array.from({ length: 100 }, (_, index) => goal(at + index)));
    await Bun.sleep(1);
  }
  network.heal();
  await one.receiver.arrived();
  expect(one.received).toHaveLength(20_001);
});

test("a link that broke is waited for, with what its dispatcher kept for it", async () => {
  const { one, network, send } = await linked();
  network.cut();
  await until(() => one.receiver.stats().open === 0, "the frontend sees it");
  send([goal(1), goal(2)]);
  const arrived = one.receiver.arrived();
  setTimeout(() => network.heal(), 100);
  await arrived;
  expect(one.received).toHaveLength(3);
});

const comment = (seq: number): Event => ({
  ...goal(seq),
  type: "comment",
  place: { seq, epoch: "e", stamp: seq },
});

test("pending live events that predate an admitted viewer are dropped and announced", async () => {
  const { one, network, out, send } = await linked();
  network.cut();
  await until(() => one.receiver.stats().open === 0, "the frontend sees it");
  send([goal(1), comment(2)]);
  // The wait for a dispatcher is bounded.
  await one.receiver.arrived();
  // The word travels: what was published in the moment after it counts as before it.
  await Bun.sleep(50);
  send([goal(3)]);
  network.heal();
  await until(() => one.received.length === 4, "the link is open again");
  expect(one.received.map(({ type, at }) => [type, at])).toEqual([
    ["goal", 0],
    ["gap", 1],
    ["comment", 2],
    ["goal", 3],
  ]);
  expect(out.stats()).toMatchObject({ droppedAway: 1, waiting: 0 });
});

test("live events on a link that hung at an admission are dropped and announced", async () => {
  const { one, network, send } = await linked();
  network.halfCut("there");
  send([goal(1), comment(2)]);
  await Bun.sleep(20);
  await one.receiver.arrived();
  network.heal();
  await until(() => one.received.length === 3, "the durable one is here");
  await until(() => {
    send([goal(3)]);
    return one.received.some(({ at }) => at === 3);
  }, "the dispatcher has answered");
  expect(one.received.map(({ type, at }) => [type, at]).slice(0, 3)).toEqual([
    ["goal", 0],
    ["gap", 1],
    ["comment", 2],
  ]);
  expect(one.receiver.stats().stale).toBeGreaterThanOrEqual(1);
});

test("a dispatcher that closes its link is not waited for", async () => {
  const { one, out } = await linked();
  await out.close();
  await until(() => one.receiver.stats().open === 0, "the link is closed");
  expect(one.receiver.stats().broken).toBe(0);
  const before = performance.now();
  await one.receiver.arrived();
  expect(performance.now() - before).toBeLessThan(ARRIVAL_ROUND_MS_MAX / 2);
});

test("a call during a round waits for two later ones, and briefly for a silent link", async () => {
  const timers = new Map<number, () => void>();
  let serial = 0;
  const waits: number[] = [];
  const clock = {
    now: () => 0,
    after(ms: number, run: () => void) {
      const id = ++serial;
      waits.push(ms);
      timers.set(id, run);
      return () => void timers.delete(id);
    },
  };
  const passTime = () => {
    for (const [id, run] of [...timers]) {
      timers.delete(id);
      run();
    }
  };
  const pings: string[] = [];
  const link: PingedLink = { ping: (text) => pings.push(text) };
  const late: PingedLink[] = [];
  const arrival = new LinkArrival(clock, (one) => late.push(one));
  const answer = () => arrival.pong(link, pings.at(-1) ?? "");
  expect(arrival.sinceArrival).toBe(Number.POSITIVE_INFINITY);
  await arrival.arrived();
  expect(arrival.sinceArrival).toBe(0);
  arrival.opened("one", link);
  const done: string[] = [];
  const ask = (name: string) => void arrival.arrived().then(() => done.push(name));
  const turn = () => Bun.sleep(0);
  ask("first");
  ask("second");
  expect(pings).toHaveLength(1);
  answer();
  ask("third");
  answer();
  await turn();
  // For a call during the first round, the second and third ones count.
  expect(done).toEqual(["first"]);
  arrival.filled();
  answer();
  await turn();
  // It brought a full batch: more may wait behind that.
  expect(done).toEqual(["first"]);
  expect(pings).toHaveLength(4);
  // An answer to an earlier round is none to this one.
  arrival.pong(link, pings[0] ?? "");
  expect(late).toEqual([]);
  passTime();
  await turn();
  expect(done).toEqual(["first", "second", "third"]);
  expect(late).toEqual([link]);
  arrival.closed("one", link, false);
  ask("fourth");
  await turn();
  expect(done).not.toContain("fourth");
  passTime();
  await turn();
  expect(done).toContain("fourth");
  expect(waits).toContain(ARRIVAL_REOPEN_MS_MAX);
  expect(timers.size).toBe(0);
});
