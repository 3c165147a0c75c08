/** Two data centres over real sockets, with a bad network between them. */

import { afterEach, expect, spyOn, test } from "bun:test";
import { TableUnavailableError } from "@ovation/table";
import { until } from "../../testing/until.ts";
import {
  comment,
  datacenter,
  endDatacenters,
  goal,
  likes,
  link,
  peers,
  topic,
} from "../testing/datacenters.ts";
import type { InternalFrontend } from "../testing/internal-frontend.ts";
import { parsePeer } from "./peer.ts";

afterEach(endDatacenters);

test("an event arrives once in both data centres, in order, over a far network", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const [inA, inB] = [a.dispatcher(), b.dispatcher()];
  const there = await link(inB, { delayMs: 40, jitterMs: 15 });
  const back = await link(inA, { delayMs: 40 });
  const forward = peers(a, b, [there.url]);
  peers(b, a, [back.url]);
  await inA.dispatcher.publish([goal(0)]);
  await until(() => b.frontend.received.length === 1, "the first one arrives");
  for (let at = 1; at <= 300; at++) {
    await inA.dispatcher.publish([at % 3 === 0 ? comment(at) : goal(at)]);
    await Bun.sleep(2);
  }
  await until(() => b.frontend.received.length >= 301, "all arrive in B");
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
    inFlight: 0,
  });
}, 15_000);

test("a batch whose response was lost goes to another dispatcher, and arrives once", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const inA = a.dispatcher();
  const [first, second] = [b.dispatcher(), b.dispatcher()];
  const there = await link(first);
  const forward = peers(a, b, [there.url, second.listener.url]);
  await inA.dispatcher.publish([goal(1)]);
  await until(
    () => b.frontend.received.length === 1 && forward.stats()[0]?.sent === 1,
    "it arrives",
  );
  there.halfCut("back");
  await inA.dispatcher.publish([goal(2), comment(3)]);
  await until(() => b.frontend.received.length === 3, "it is dispatched by the first");
  await until(() => second.peerRoutes.stats.duplicates === 1, "the second is asked, and knows it");
  await inA.dispatcher.publish([goal(4)]);
  await until(() => b.frontend.received.length === 4, "the next one goes through the second");
  expect(b.frontend.received).toEqual([goal(1), goal(2), comment(3), goal(4)]);
  expect(second.peerRoutes.stats.events).toBe(1);
}, 15_000);

test("a batch whose response and id were lost brings only its durable events again", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const inA = a.dispatcher();
  const [first, second] = [b.dispatcher(), b.dispatcher()];
  const there = await link(first);
  const forward = peers(a, b, [there.url, second.listener.url]);
  await inA.dispatcher.publish([goal(1)]);
  await until(
    () => b.frontend.received.length === 1 && forward.stats()[0]?.sent === 1,
    "it arrives",
  );
  there.halfCut("back");
  await inA.dispatcher.publish([goal(2), comment(3)]);
  await until(() => b.frontend.received.length === 3, "it is dispatched by the first");
  // Emptied: what was claimed may be claimed again.
  await b.shared.close();
  await until(() => forward.stats()[0]?.forgotten === 1, "the second takes what is durable");
  await inA.dispatcher.publish([goal(4)]);
  await until(() => b.frontend.received.length === 5, "the next one goes through the second");
  expect(b.frontend.received).toEqual([goal(1), goal(2), comment(3), comment(3), goal(4)]);
}, 15_000);

test("while a peer's store is unreachable nothing is taken; events arrive later", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const [inA, inB] = [a.dispatcher(), b.dispatcher()];
  const forward = peers(a, b, [inB.listener.url]);
  await inA.dispatcher.publish([goal(1)]);
  await until(() => b.frontend.received.length === 1, "it arrives");
  const claim = spyOn(b.shared, "claim").mockRejectedValue(new TableUnavailableError("away"));
  await inA.dispatcher.publish([goal(2), comment(3)]);
  await until(() => forward.stats()[0]?.up === false, "it is refused");
  expect(b.frontend.received).toEqual([goal(1)]);
  claim.mockRestore();
  await until(() => b.frontend.received.length === 3, "it arrives");
  await Bun.sleep(100);
  expect(b.frontend.received).toEqual([goal(1), goal(2), comment(3)]);
  expect(inB.peerRoutes.stats).toMatchObject({ failed: 0 });
  expect(forward.stats()[0]?.forgotten).toBe(0);
}, 15_000);

test("after a cut, expired live events are lost, durable ones and likes arrive", async () => {
  const [a, b] = [await datacenter("a"), await datacenter("b")];
  const [inA, inB] = [a.dispatcher(), b.dispatcher()];
  const there = await link(inB);
  const forward = peers(a, b, [there.url], 400);
  await inA.dispatcher.publish([goal(1)]);
  await until(() => b.frontend.received.length === 1, "it arrives");
  there.cut();
  await inA.dispatcher.publish([goal(2), comment(3)]);
  for (let round = 0; round < 20; round++) await inA.dispatcher.publish([likes(1, 10 + round)]);
  await inB.dispatcher.publish([goal(100)]);
  await until(() => a.frontend.received.length >= 4, "A serves its own");
  await until(() => b.frontend.received.some(({ at }) => at === 100), "B serves its own");
  await until(() => forward.stats()[0]?.up === false, "the peer is seen to be away");
  await Bun.sleep(600);
  await inA.dispatcher.publish([comment(4), likes(1, 50), likes(2, 52)]);
  there.heal();
  await until(
    () => b.frontend.received.some(({ at }) => at === 52),
    "what still counts arrives",
    15_000,
  );
  const ats = b.frontend.received.map(({ at }) => at);
  expect(ats).toContain(3);
  expect(ats).toContain(4);
  expect(b.frontend.received.filter(({ type }) => type === "goal").map(({ at }) => at)).toEqual([
    1, 100,
  ]);
  expect(ats.indexOf(3)).toBeLessThan(ats.indexOf(4));
  const liked = b.frontend.received.filter(({ type }) => type === "likes");
  expect(liked).toHaveLength(1);
  expect(JSON.parse(liked[0]?.data ?? "{}")).toMatchObject({ total: { like: 52 } });
  await until(() => forward.stats()[0]?.up === true, "the peer is up");
  expect(forward.stats()[0]?.expired).toBeGreaterThan(0);
}, 20_000);

test("a busy topic without a subscriber is skipped until its first one", async () => {
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
  await until(async () => {
    const before = forward.stats()[0];
    await publish(50);
    return (before?.skipped ?? 0) > 0 && forward.stats()[0]?.sent === before?.sent;
  }, "nothing is forwarded any more");
  const unsubscribed = inB.dispatcher.counters.received;
  await b.stores.table.change(b.frontend.credential.id, [
    { topic, subscribed: true, generation: 1 },
  ]);
  const answeredAt = at;
  await publish(400);
  await until(() => b.frontend.received.at(-1)?.at === at, "the last one arrives");
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
