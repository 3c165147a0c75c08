import { afterEach, expect, test } from "bun:test";
import type { Topic } from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import type { Frontend } from "../frontend.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { Viewer } from "../testing/viewer.ts";

const alice = topic("member:alice");
const bob = topic("member:bob");
const frontends: Frontend[] = [];
afterEach(async () => {
  await Promise.all(frontends.splice(0).map((frontend) => frontend.stop()));
});

async function frontendOn(upstream: ModelUpstream, quietMs: number): Promise<Frontend> {
  const frontend = newFrontend(upstream, { reportMs: 20, quietMs });
  upstream.inboxes.push(frontend);
  frontends.push(frontend);
  frontend.start();
  return frontend;
}

async function viewerOf(
  frontend: Frontend,
  topics: readonly Topic[],
  lastEventId?: string,
): Promise<Viewer> {
  const viewer = new Viewer(frontend, topics, lastEventId === undefined ? {} : { lastEventId });
  await until(() => viewer.connection.ready);
  return viewer;
}

const NEVER_MS = 60_000;
const SOON_MS = 20;

test("a topic with one subscriber keeps nothing of a live event that was written", async () => {
  const upstream = new ModelUpstream();
  const frontend = await frontendOn(upstream, NEVER_MS);
  const viewer = await viewerOf(frontend, [alice, bob]);
  for (let count = 1; count <= 3; count++) {
    upstream.live(alice, "ping", count);
    await until(() => viewer.of("ping").length === count);
    await until(() => frontend.hub.channel(alice)?.buffer === undefined, "nothing left of it");
  }
  expect(viewer.of("ping").map(({ data }) => data)).toEqual([1, 2, 3]);
});

test("what a viewer has not received is kept, however idle its topic", async () => {
  const upstream = new ModelUpstream();
  const frontend = await frontendOn(upstream, SOON_MS);
  const viewer = await viewerOf(frontend, [alice]);
  viewer.stall();
  upstream.live(alice, "ping", 1);
  await until(() => frontend.counters.slow === 1);
  // It falls behind only now, and its ring continues without it.
  await Bun.sleep(SOON_MS * 10);
  expect(frontend.hub.channel(alice)?.buffer).toBeDefined();
  for (let count = 2; count <= 200; count++) {
    // So large that the ring cannot hold them all.
    upstream.live(alice, "ping", "p".repeat(8192));
    await until(() => (frontend.hub.channel(alice)?.nextBatch ?? 0) > count);
  }
  await Bun.sleep(SOON_MS * 10);
  viewer.drain();
  await until(() => viewer.of("gap").length === 1);
  await until(
    () => viewer.of("ping").length + (viewer.of("gap")[0]?.fields.lost ?? 0) === 200,
    "all of them, or told of",
  );
  await until(() => frontend.hub.channel(alice)?.buffer === undefined, "nothing left of it");
});

test("an idle topic releases its durable events: a return reads them from the log", async () => {
  const upstream = new ModelUpstream();
  const frontend = await frontendOn(upstream, SOON_MS);
  const stays = await viewerOf(frontend, [alice, bob]);
  const leaves = await viewerOf(frontend, [alice, bob]);
  upstream.append(bob, "bob 1");
  upstream.append(alice, "alice 1");
  await until(() => leaves.of("comment").length === 2);
  frontend.closed(leaves.connection, "left");
  for (const count of [2, 3]) upstream.append(alice, `alice ${count}`);
  await until(() => stays.of("comment").length === 4);
  await until(
    () =>
      frontend.hub.channel(alice)?.buffer === undefined &&
      frontend.hub.channel(bob)?.buffer === undefined,
    "quiet",
  );
  // The last id alone: of bob's topic it says something only by what this frontend broadcast, and
  // when.
  const back = await viewerOf(frontend, [alice, bob], leaves.lastEventId);
  await until(() => back.of("comment").length >= 2);
  upstream.append(bob, "bob 2");
  await until(() => back.seqs(bob).length > 0);
  expect(back.seqs(alice)).toEqual([2, 3]);
  expect(back.seqs(bob)).toEqual([2]);
  expect(back.received[0]?.fields.topics).toEqual({
    "member:alice": { head: 3, recovered: true },
    "member:bob": { head: 1, recovered: true },
  });
});

test("a topic with a missing number is not quiet", async () => {
  const upstream = new ModelUpstream();
  const frontend = await frontendOn(upstream, SOON_MS);
  const viewer = await viewerOf(frontend, [alice]);
  upstream.append(alice, 1, { deliver: false });
  upstream.away = true;
  upstream.append(alice, 2);
  await Bun.sleep(SOON_MS * 10);
  expect(frontend.hub.channel(alice)?.hasHeld).toBe(true);
  upstream.away = false;
  await until(() => viewer.of("comment").length === 2);
  expect(viewer.seqs(alice)).toEqual([1, 2]);
});
