/** Two data centres over real sockets: dispatchers, a frontend in each, and a bad link between them. */

import { afterEach, expect, spyOn, test } from "bun:test";
import {
  type Clock,
  DEFAULT_POLICY,
  type Event,
  systemClock,
  type Topic,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import {
  createMemorySharedStore,
  createMemoryViewerCounts,
  type SharedStore,
  TableUnavailableError,
} from "@ovation/table";
import { createInternalClient } from "./internal-client.ts";
import {
  FORWARD_PATH,
  formatPeerCaller,
  PEER_VIEWERS_PATH,
  type Peers,
  parsePeer,
  WANTED_PATH,
} from "./peer.ts";
import { createReorder } from "./peer-reorder.ts";
import { createPeerRoutes, type PeerRoutes } from "./peer-routes.ts";
import { createPeerViewers } from "./peer-viewers.ts";
import { createPeers } from "./peers.ts";
import {
  type InternalDispatcher,
  startInternalDispatcher,
  type TestStores,
  testStores,
} from "./testing/internal-dispatcher.ts";
import {
  eventually,
  type InternalFrontend,
  startInternalFrontend,
  testAuth,
} from "./testing/internal-frontend.ts";
import { startTcpProxy, type TcpProxy, type TcpProxyOptions } from "./testing/tcp-proxy.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface DispatcherHere extends InternalDispatcher {
  readonly peerRoutes: PeerRoutes;
}

interface Datacenter {
  readonly name: string;
  readonly stores: TestStores;
  readonly shared: SharedStore;
  readonly frontend: InternalFrontend;
  dispatcher(): DispatcherHere;
}

const topic = topicOf("video", "1");

async function datacenter(name: string, topics: readonly Topic[] = [topic]): Promise<Datacenter> {
  const stores = testStores();
  const shared = createMemorySharedStore({ clock: systemClock });
  const frontend = startInternalFrontend();
  cleanups.push(() => frontend.listener.stop());
  const { id } = frontend.credential;
  await stores.table.renew({ id, url: frontend.listener.url }, 600_000);
  await stores.table.change(
    id,
    topics.map((one) => ({ topic: one, subscribed: true, generation: 1 })),
  );
  return {
    name,
    stores,
    shared,
    frontend,
    dispatcher() {
      let peerRoutes: PeerRoutes | undefined;
      const started = startInternalDispatcher(stores, {
        routes(dispatcher, refusals) {
          peerRoutes = createPeerRoutes({
            auth: testAuth(),
            refusals,
            datacenter: name,
            clock: systemClock,
            counts: stores.counts,
            table: stores.table,
            shared,
            receive: (events) => dispatcher.receive(events),
            onFailure: () => undefined,
          });
          return peerRoutes.routes;
        },
        forward: (events) => forwards.get(name)?.forward(events),
      });
      cleanups.push(() => started.stop());
      return { ...started, peerRoutes: peerRoutes as PeerRoutes };
    },
  };
}

const forwards = new Map<string, Peers>();
let serial = 0;

function peers(
  from: Datacenter,
  to: Datacenter,
  urls: readonly string[],
  forwardTtlMs = 5000,
  forward: "all" | "wanted" = "all",
): Peers {
  const dispatcherId = `dispatcher${++serial}`;
  const made = createPeers({
    dispatcherId,
    peers: [{ name: to.name, urls }],
    client: createInternalClient({
      auth: testAuth(),
      from: formatPeerCaller(from.name, dispatcherId),
    }),
    clock: systemClock,
    policy: DEFAULT_POLICY,
    random: () => 0,
    forwardTtlMs,
    forward,
  });
  forwards.set(from.name, made);
  cleanups.push(async () => {
    forwards.delete(from.name);
    await made.close();
  });
  return made;
}

async function link(
  to: DispatcherHere,
  conditions: Partial<TcpProxyOptions> = {},
): Promise<TcpProxy & { readonly url: string }> {
  const proxy = await startTcpProxy({ target: { port: to.listener.port }, ...conditions });
  cleanups.push(() => proxy.stop());
  return Object.assign(proxy, { url: `http://127.0.0.1:${proxy.port}` });
}

const goal = (at: number): Event => ({ topic, type: "goal", at, data: toJsonText({ at }) });
const comment = (seq: number): Event => ({
  topic,
  type: "comment",
  at: seq,
  data: toJsonText({ seq }),
  place: { seq, epoch: "e", stamp: seq },
});
const likes = (like: number, total: number): Event => ({
  topic,
  type: "likes",
  at: total,
  data: toJsonText({ like, total: { like: total } }),
});

test("an event published in one data centre arrives once in both, in order, over a far link with jitter, and never comes back", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const [inA, inB] = [a.dispatcher(), b.dispatcher()];
  const there = await link(inB, { delayMs: 40, jitterMs: 15 });
  const back = await link(inA, { delayMs: 40 });
  const forward = peers(a, b, [there.url]);
  peers(b, a, [back.url]);
  await inA.dispatcher.publish([goal(0)]);
  await eventually("the first one arrives", () => b.frontend.received.length === 1);
  for (let at = 1; at <= 300; at++) {
    await inA.dispatcher.publish([at % 3 === 0 ? comment(at) : goal(at)]);
    await Bun.sleep(2);
  }
  await eventually("all arrive in B", () => b.frontend.received.length >= 301);
  await Bun.sleep(150);
  const ats = (frontend: InternalFrontend) => frontend.received.map(({ at }) => at);
  expect(ats(b.frontend)).toEqual(Array.from({ length: 301 }, (_, index) => index));
  expect(ats(a.frontend)).toEqual(ats(b.frontend));
  expect(inA.peerRoutes.stats.batches).toBe(0);
  expect(forward.stats()[0]).toMatchObject({
    name: "b",
    up: true,
    sent: 301,
    droppedFull: 0,
    expired: 0,
    waiting: 0,
    underWay: 0,
  });
}, 15_000);

test("a batch whose answer was lost goes to another dispatcher of the peer, and is dispatched once", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const inA = a.dispatcher();
  const [first, second] = [b.dispatcher(), b.dispatcher()];
  const there = await link(first);
  const forward = peers(a, b, [there.url, second.listener.url]);
  await inA.dispatcher.publish([goal(1)]);
  await eventually(
    "it arrives",
    () => b.frontend.received.length === 1 && forward.stats()[0]?.sent === 1,
  );
  there.halfCut("back");
  await inA.dispatcher.publish([goal(2), comment(3)]);
  await eventually("it is dispatched by the first", () => b.frontend.received.length === 3);
  await eventually(
    "the second is asked, and knows it",
    () => second.peerRoutes.stats.duplicates === 1,
  );
  await inA.dispatcher.publish([goal(4)]);
  await eventually("the next one goes through the second", () => b.frontend.received.length === 4);
  expect(b.frontend.received).toEqual([goal(1), goal(2), comment(3), goal(4)]);
  expect(second.peerRoutes.stats.events).toBe(1);
}, 15_000);

test("a batch whose answer was lost, and whose claim was forgotten, brings its durable events and nothing live again", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const inA = a.dispatcher();
  const [first, second] = [b.dispatcher(), b.dispatcher()];
  const there = await link(first);
  const forward = peers(a, b, [there.url, second.listener.url]);
  await inA.dispatcher.publish([goal(1)]);
  await eventually(
    "it arrives",
    () => b.frontend.received.length === 1 && forward.stats()[0]?.sent === 1,
  );
  there.halfCut("back");
  await inA.dispatcher.publish([goal(2), comment(3)]);
  await eventually("it is dispatched by the first", () => b.frontend.received.length === 3);
  // Emptied: what was claimed may be claimed again.
  await b.shared.close();
  await eventually("the second takes what is durable", () => forward.stats()[0]?.forgotten === 1);
  await inA.dispatcher.publish([goal(4)]);
  await eventually("the next one goes through the second", () => b.frontend.received.length === 5);
  expect(b.frontend.received).toEqual([goal(1), goal(2), comment(3), comment(3), goal(4)]);
}, 15_000);

test("while a peer's store is away nothing is taken there, and afterwards what still counts arrives once", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const [inA, inB] = [a.dispatcher(), b.dispatcher()];
  const forward = peers(a, b, [inB.listener.url]);
  await inA.dispatcher.publish([goal(1)]);
  await eventually("it arrives", () => b.frontend.received.length === 1);
  const claim = spyOn(b.shared, "claim").mockRejectedValue(new TableUnavailableError("away"));
  await inA.dispatcher.publish([goal(2), comment(3)]);
  await eventually("it is refused", () => forward.stats()[0]?.up === false);
  expect(b.frontend.received).toEqual([goal(1)]);
  claim.mockRestore();
  await eventually("it arrives", () => b.frontend.received.length === 3);
  await Bun.sleep(100);
  expect(b.frontend.received).toEqual([goal(1), goal(2), comment(3)]);
  expect(inB.peerRoutes.stats).toMatchObject({ failed: 0 });
  expect(forward.stats()[0]?.forgotten).toBe(0);
}, 15_000);

test("while a peer is cut off both serve their own; afterwards live events that are too old are gone, durable ones come, likes as one", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const [inA, inB] = [a.dispatcher(), b.dispatcher()];
  const there = await link(inB);
  const forward = peers(a, b, [there.url], 400);
  await inA.dispatcher.publish([goal(1)]);
  await eventually("it arrives", () => b.frontend.received.length === 1);
  there.cut();
  await inA.dispatcher.publish([goal(2), comment(3)]);
  for (let round = 0; round < 20; round++) await inA.dispatcher.publish([likes(1, 10 + round)]);
  await inB.dispatcher.publish([goal(100)]);
  await eventually("A serves its own", () => a.frontend.received.length >= 4);
  await eventually("B serves its own", () => b.frontend.received.some(({ at }) => at === 100));
  await eventually("the peer is seen to be away", () => forward.stats()[0]?.up === false);
  await Bun.sleep(600);
  await inA.dispatcher.publish([comment(4), likes(1, 50), likes(2, 52)]);
  there.heal();
  await eventually(
    "what still counts arrives",
    () => b.frontend.received.some(({ at }) => at === 52),
    15_000,
  );
  const ats = b.frontend.received.map(({ at }) => at);
  expect(ats).toContain(3);
  expect(ats).toContain(4);
  expect(ats).not.toContain(2);
  expect(ats.indexOf(3)).toBeLessThan(ats.indexOf(4));
  const liked = b.frontend.received.filter(({ type }) => type === "likes");
  expect(liked).toHaveLength(1);
  expect(JSON.parse(liked[0]?.data ?? "{}")).toMatchObject({ total: { like: 52 } });
  await eventually("the peer is up", () => forward.stats()[0]?.up === true);
  expect(forward.stats()[0]?.expired).toBeGreaterThan(0);
}, 20_000);

test("events of a busy topic that nobody in a peer has are spared; its first subscriber there gets every later one, in order", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b", [])];
  const [inA, inB] = [a.dispatcher(), b.dispatcher()];
  const there = await link(inB, { delayMs: 20, jitterMs: 10 });
  const forward = peers(a, b, [there.url], 5000, "wanted");
  let at = 0;
  const publish = async (count: number) => {
    for (let end = at + count; at < end; ) {
      await inA.dispatcher.publish([at % 3 === 0 ? comment(++at) : goal(++at)]);
      await Bun.sleep(2);
    }
  };
  await eventually("nothing is forwarded any more", async () => {
    const before = forward.stats()[0];
    await publish(50);
    return (before?.spared ?? 0) > 0 && forward.stats()[0]?.sent === before?.sent;
  });
  const unsubscribed = inB.dispatcher.counters.received;
  await b.stores.table.change(b.frontend.credential.id, [
    { topic, subscribed: true, generation: 1 },
  ]);
  const answeredAt = at;
  await publish(400);
  await eventually("the last one arrives", () => b.frontend.received.at(-1)?.at === at);
  const ats = b.frontend.received.map((event) => event.at).filter((one) => one > answeredAt);
  expect(ats).toEqual(
    Array.from({ length: at - answeredAt }, (_, index) => answeredAt + 1 + index),
  );
  expect(inB.dispatcher.counters.received).toBeGreaterThan(unsubscribed);
  expect(forward.stats()[0]).toMatchObject({ waiting: 0, droppedFull: 0, expired: 0 });
}, 20_000);

test("a peer that is away for long costs a bounded buffer", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const forward = peers(a, b, ["http://127.0.0.1:1"], 60_000);
  for (let round = 0; round < 110; round++)
    forward.forward(Array.from({ length: 1000 }, (_, index) => goal(round * 1000 + index)));
  await Bun.sleep(50);
  expect(forward.stats()[0]?.waiting).toBeLessThanOrEqual(106_000);
  expect(forward.stats()[0]?.droppedFull).toBeGreaterThan(4000);
});

test("forged, replayed, foreign, malformed and oversized batches are refused and counted, and nothing is dispatched", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const inB = b.dispatcher();
  const other = b.dispatcher();
  const from = formatPeerCaller("a", "dispatcher1");
  const { life } = await b.shared.claim("of this test", 1000);
  const body = (number: number, events = "video:1 goal 1\n{}\n", of = life) =>
    `${JSON.stringify({ number, id: `dispatcher1.${number}`, life: of })}\n${events}`;
  async function post(
    text: string,
    options: {
      from?: string;
      to?: string;
      secret?: string;
      headers?: Record<string, string>;
      url?: string;
    } = {},
  ) {
    const headers =
      options.headers ??
      testAuth(options.secret).sign({
        method: "POST",
        path: FORWARD_PATH,
        from: options.from ?? from,
        to: options.to ?? "b",
        body: text,
      });
    return (
      await fetch((options.url ?? inB.listener.url) + FORWARD_PATH, {
        method: "POST",
        headers,
        body: text,
      })
    ).status;
  }
  const sign = () =>
    testAuth().sign({ method: "POST", path: FORWARD_PATH, from, to: "b", body: body(1) });
  const recorded = sign();
  expect(await post(body(1), { headers: recorded })).toBe(200);
  // Recorded and played again: to the same dispatcher, to another one; or signed anew with the same id.
  expect(await post(body(1), { headers: recorded })).toBe(401);
  expect(await post(body(1), { headers: recorded, url: other.listener.url })).toBe(200);
  expect(await post(body(1))).toBe(200);
  expect(inB.peerRoutes.stats.duplicates + other.peerRoutes.stats.duplicates).toBe(2);
  // Of a life of the store that is over, when it may have been taken: answered, and not taken.
  expect(await post(body(2, undefined, "another"))).toBe(200);
  expect(inB.peerRoutes.stats).toMatchObject({ outlived: 1, events: 1 });
  expect(await post(body(2), { secret: "not the secret of these tests" })).toBe(401);
  expect(await post(body(2), { headers: {} })).toBe(401);
  expect(await post(body(2), { to: "c" })).toBe(401);
  expect(await post(body(2), { from: "dispatcher x" })).toBe(401);
  expect(await post(body(2), { from: formatPeerCaller("b", "dispatcher1") })).toBe(400);
  for (const text of [
    "",
    "x",
    body(0),
    '{"number":2}\n',
    body(2, "video:1 goal 1\nno json\n"),
    body(2, "video:1 goal\n{}\n"),
    body(2, "video:1 goal 1\n{}"),
  ]) {
    expect(await post(text)).toBe(400);
  }
  expect(await post(body(2, "video:1 goal 1\n{}\n".repeat(10_001)))).toBe(400);
  expect(await post("x".repeat(5 * 1024 * 1024))).toBe(413);
  const topics = JSON.stringify({ topics: ["video:*"] });
  const headers = testAuth().sign({
    method: "POST",
    path: PEER_VIEWERS_PATH,
    from,
    to: "b",
    body: topics,
  });
  expect(
    (await fetch(inB.listener.url + PEER_VIEWERS_PATH, { method: "POST", headers, body: topics }))
      .status,
  ).toBe(400);
  const question = testAuth().sign({
    method: "POST",
    path: WANTED_PATH,
    from,
    to: "b",
    body: topics,
  });
  expect(
    (
      await fetch(inB.listener.url + WANTED_PATH, {
        method: "POST",
        headers: question,
        body: topics,
      })
    ).status,
  ).toBe(400);
  expect(
    (await fetch(inB.listener.url + WANTED_PATH, { method: "POST", body: topics })).status,
  ).toBe(401);
  expect(inB.refusals).toMatchObject({
    replayed: 1,
    forged: 1,
    unsigned: 2,
    "not-the-caller": 2,
    malformed: 10,
    oversized: 1,
  });
  expect(inB.peerRoutes.stats.loops).toBe(1);
  await eventually("the good one was dispatched", () => b.frontend.received.length > 0);
  await Bun.sleep(100);
  expect(b.frontend.received).toEqual([{ ...goal(1), data: toJsonText({}) }]);
  expect(a.frontend.received).toEqual([]);
});

test("viewers of a topic are counted over data centres, follow each other's changes, and end when a peer is cut off", async () => {
  const b = await datacenter("b");
  const inB = b.dispatcher();
  const there = await link(inB);
  const hasty: Clock = {
    now: () => Date.now() * 10,
    after: (ms, run) => systemClock.after(ms / 10, run),
  };
  const client = createInternalClient({
    auth: testAuth(),
    from: formatPeerCaller("a", "dispatcher1"),
  });
  // A's own counts run at the same pace, so that numbers expire in a fraction of their time.
  const counts = createPeerViewers({
    counts: createMemoryViewerCounts({ clock: hasty }),
    peers: [{ name: "b", urls: [there.url] }],
    client,
    clock: hasty,
    onFailure: () => undefined,
  });
  cleanups.push(() => counts.close());
  await counts.report("frontend-a", [{ topic, viewers: 2 }], 10_000_000);
  await b.stores.counts.report("frontend-b", [{ topic, viewers: 40 }], 60_000);
  const total = async () => (await counts.totals([topic]))[0];
  await eventually("B's are counted", async () => (await total())?.all === 42);
  expect(await total()).toEqual({ local: 2, all: 42 });
  await b.stores.counts.report("frontend-b", [{ topic, viewers: 50 }], 60_000);
  await eventually("the change is seen", async () => (await total())?.all === 52);
  there.cut();
  await eventually("without B they are not counted", async () => (await total())?.all === 2);
  there.heal();
  await eventually("with B again they are", async () => (await total())?.all === 52);
}, 20_000);

test("batches that overtook each other are put right, and one that is lost holds nothing up for long", async () => {
  const delivered: number[] = [];
  const reorder = createReorder({
    clock: systemClock,
    deliver: (events) => delivered.push(...events.map(({ at }) => at)),
  });
  for (const number of [5, 7, 6, 8, 10]) reorder.accept(number, [goal(number)]);
  expect(delivered).toEqual([5, 6, 7, 8]);
  await eventually("the lost one is given up", () => delivered.includes(10));
  for (const number of [9, 11]) reorder.accept(number, [goal(number)]);
  expect(delivered).toEqual([5, 6, 7, 8, 10, 9, 11]);
});

test("a peer is written as its name and addresses, or as addresses alone", () => {
  expect(parsePeer("east=http://a:1,https://b:2/")).toEqual({
    name: "east",
    urls: ["http://a:1", "https://b:2"],
  });
  expect(parsePeer("http://a:1,https://b:2/")).toEqual({
    name: undefined,
    urls: ["http://a:1", "https://b:2"],
  });
  for (const text of [
    "",
    "east",
    "=http://a:1",
    "East=http://a:1",
    "east=",
    "east=a:1",
    "east=http://a:1,",
    "east=http://u:p@a:1",
  ]) {
    expect(() => parsePeer(text)).toThrow("a peer is NAME=");
  }
});
