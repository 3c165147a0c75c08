import { afterEach, expect, test } from "bun:test";
import { DEFAULT_POLICY, type Event, systemClock, toJsonText, topicOf } from "@ovation/protocol";
import { createWebSocketLinks } from "./frontend-link-websocket.ts";
import { ARRIVAL_REOPEN_MS_MAX, ARRIVAL_ROUND_MS_MAX, createLinkArrival, type PingedLink } from "./link-arrival.ts";
import { eventually, startInternalFrontend, testAuth } from "./testing/internal-frontend.ts";
import { startTcpProxy } from "./testing/tcp-proxy.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const topic = topicOf("video", "1");
const goal = (at: number): Event => ({ topic, type: "goal", at, data: toJsonText({ text: "x".repeat(200) }) });

/** A frontend that a dispatcher reaches over a network that can be broken. */
async function linked() {
  const one = startInternalFrontend();
  cleanups.push(() => one.listener.stop());
  const network = await startTcpProxy({ target: { port: one.listener.port } });
  cleanups.push(() => network.stop());
  const out = createWebSocketLinks({ auth: testAuth(), from: "dispatcher one", policy: DEFAULT_POLICY, clock: systemClock });
  cleanups.push(() => out.close());
  const send = (events: readonly Event[]) => out.send({ id: one.credential.id, url: `http://127.0.0.1:${network.port}` }, events);
  send([goal(0)]);
  await eventually("the link is open", () => one.received.length === 1);
  return { one, network, out, send };
}

test("what was under way on a link, and what waited at the dispatcher behind it, has arrived", async () => {
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
  await eventually("the frontend sees it", () => one.receiver.stats().open === 0);
  send([goal(1), goal(2)]);
  const arrived = one.receiver.arrived();
  setTimeout(() => network.heal(), 100);
  await arrived;
  expect(one.received).toHaveLength(3);
});

test("a dispatcher that says goodbye is not waited for", async () => {
  const { one, out } = await linked();
  await out.close();
  await eventually("the link is closed", () => one.receiver.stats().open === 0);
  expect(one.receiver.stats().broken).toBe(0);
  const before = performance.now();
  await one.receiver.arrived();
  expect(performance.now() - before).toBeLessThan(ARRIVAL_ROUND_MS_MAX / 2);
});

test("whoever asks during a round waits for two later ones; a dispatcher that is silent or dead holds nobody up for long", async () => {
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
  let pings = 0;
  const link: PingedLink = { ping: () => ++pings };
  const arrival = createLinkArrival(clock);
  await arrival.arrived();
  arrival.opened("one", link);
  const done: string[] = [];
  const ask = (name: string) => void arrival.arrived().then(() => done.push(name));
  const turn = () => Bun.sleep(0);
  ask("first");
  ask("second");
  expect(pings).toBe(1);
  arrival.answered(link);
  ask("third");
  arrival.answered(link);
  await turn();
  // Those who asked while the first round was under way have the second and third for their two.
  expect(done).toEqual(["first"]);
  arrival.filled();
  arrival.answered(link);
  await turn();
  // It brought a full batch: more may wait behind that.
  expect(done).toEqual(["first"]);
  expect(pings).toBe(4);
  passTime();
  await turn();
  expect(done).toEqual(["first", "second", "third"]);
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
