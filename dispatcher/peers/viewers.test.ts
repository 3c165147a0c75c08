import { afterEach, expect, test } from "bun:test";
import { type Clock, systemClock } from "@ovation/protocol";
import { MemoryViewerCounts } from "@ovation/table";
import { createManualClock } from "../../testing/manual-clock.ts";
import { until } from "../../testing/until.ts";
import { createInternalClient } from "../internal/client.ts";
import { datacenter, endDatacenters, link, topic } from "../testing/datacenters.ts";
import { testAuth } from "../testing/internal-frontend.ts";
import { formatPeerCaller } from "./peer.ts";
import { PEER_VIEWERS_EVERY_MS, PeerViewers } from "./viewers.ts";

const closes: (() => void)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0)) close();
  await endDatacenters();
});

test("viewers are counted over data centres, and expire when a peer is cut off", async () => {
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
  const counts = new PeerViewers({
    counts: new MemoryViewerCounts(hasty),
    peers: [{ name: "b", urls: [there.url] }],
    client,
    clock: hasty,
    onFailure: () => undefined,
  });
  closes.push(() => counts.close());
  await counts.report("frontend-a", [{ topic, viewers: 2 }], 10_000_000);
  await b.stores.counts.report("frontend-b", [{ topic, viewers: 40 }], 60_000);
  const total = async () => (await counts.totals([topic]))[0];
  await until(async () => (await total())?.all === 42, "B's are counted");
  expect(await total()).toEqual({ local: 2, all: 42 });
  await b.stores.counts.report("frontend-b", [{ topic, viewers: 50 }], 60_000);
  await until(async () => (await total())?.all === 52, "the change is seen");
  there.cut();
  await until(async () => (await total())?.all === 2, "without B they are not counted");
  there.heal();
  await until(async () => (await total())?.all === 52, "with B again they are");
}, 20_000);

test("a peer that does not know a number now leaves its last one standing", async () => {
  const clock = createManualClock();
  let answer: readonly (number | null)[] = [40];
  const counts = new PeerViewers({
    counts: new MemoryViewerCounts(clock),
    peers: [{ name: "b", urls: ["http://b"] }],
    client: { call: async () => ({ viewers: answer }) },
    clock,
    onFailure: (what, error) => {
      throw new Error(`${what}: ${String(error)}`);
    },
  });
  closes.push(() => counts.close());
  const total = async () => (await counts.totals([topic]))[0]?.all;
  await total();
  await clock.advance(PEER_VIEWERS_EVERY_MS * 1.5);
  expect(await total()).toBe(40);
  answer = [null];
  await clock.advance(PEER_VIEWERS_EVERY_MS * 1.5);
  expect(await total()).toBe(40);
  answer = [41];
  await clock.advance(PEER_VIEWERS_EVERY_MS * 1.5);
  expect(await total()).toBe(41);
});
