/** The table while its store is unreachable, stopped, emptied, restarted or fails over. */

import { expect, test } from "bun:test";
import { freePort } from "../../testing/free-port.ts";
import { startRedis, startRedisCluster, startRedisSentinel } from "../../testing/redis.ts";
import { RedisSharedStore } from "../shared-store-redis.ts";
import { freshFrontend, freshTopic } from "../subscription-table.contract.ts";
import { TableUnavailableError } from "../subscription-table.ts";
import { RedisSubscriptionTable } from "../subscription-table-redis.ts";
import { RedisTable } from "../testing/redis-table.ts";
import { startRelay } from "../testing/relay.ts";
import { RedisViewerCounts } from "../viewer-counts-redis.ts";
import { openRedisStore } from "./redis-store.ts";

async function eventually<T>(
  what: string,
  attempt: () => Promise<T>,
  accept: (answer: T) => boolean = () => true,
): Promise<T> {
  const end = Date.now() + 20_000;
  let last: unknown = "no answer";
  while (Date.now() < end) {
    try {
      const answer = await attempt();
      if (accept(answer)) return answer;
      last = answer;
    } catch (error) {
      if (!(error instanceof TableUnavailableError)) throw error;
      last = error.message;
    }
    await Bun.sleep(50);
  }
  throw new Error(`${what}: not in time, last: ${String(last)}`);
}

async function settle(promise: Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const start = performance.now();
  try {
    await promise;
    return { error: undefined, ms: performance.now() - start };
  } catch (error) {
    return { error, ms: performance.now() - start };
  }
}

/**
 * A correct frontend: restores its rows whenever renew returns an unknown token, until that
 * succeeds. Returns whether it had nothing to do.
 */
async function renewAndPutBack(
  table: RedisSubscriptionTable,
  frontend: ReturnType<typeof freshFrontend>,
  topics: ReturnType<typeof freshTopic>[],
) {
  const mark = await table.renew(frontend, 30_000);
  const ran = mark === marks.get(frontend.id) && !owing.has(frontend.id);
  marks.set(frontend.id, mark);
  owing.add(frontend.id);
  if (!ran) {
    await table.change(
      frontend.id,
      topics.map((topic) => ({ topic, subscribed: true, generation: ++generation })),
    );
  }
  owing.delete(frontend.id);
  return ran;
}
const marks = new Map<string, string>();
const owing = new Set<string>();
let generation = 0;

test("a store away at the start: calls are refused in time, and work when it comes", async () => {
  const port = await freePort();
  const states: string[] = [];
  const table = new RedisTable({
    url: `redis://:secret@127.0.0.1:${port}`,
    timeoutMs: 300,
    onState: (state, detail) => states.push(`${state} ${detail}`),
  });
  const { error, ms } = await settle(table.lookup([freshTopic()]));
  expect(error).toBeInstanceOf(TableUnavailableError);
  expect(String(error)).toContain(`127.0.0.1:${port}`);
  expect(String(error)).not.toContain("secret");
  expect(ms).toBeLessThan(2000);
  expect(states.join()).toContain("lost");
  expect(states.join()).not.toContain("secret");
  await table.close();
});

test("a store that hangs: every call fails in time, bounded, and it recovers", async () => {
  const redis = await startRedis();
  const table = new RedisTable({ url: redis.url, timeoutMs: 400 });
  const frontend = freshFrontend();
  const topic = freshTopic();
  const mark = await eventually("renew", () => table.renew(frontend, 60_000));
  await table.change(frontend.id, [{ topic, subscribed: true, generation: 1 }]);
  redis.server.pause();
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      settle(index % 2 === 0 ? table.lookup([topic]) : table.renew(frontend, 60_000)),
    ),
  );
  for (const { error, ms } of results) {
    expect(error).toBeInstanceOf(TableUnavailableError);
    expect(ms).toBeLessThan(3000);
  }
  redis.server.resume();
  await eventually(
    "lookup",
    () => table.lookup([topic]),
    ([found]) => found?.[0]?.id === frontend.id,
  );
  expect(await table.renew(frontend, 60_000)).toBe(mark);
  await table.close();
  await redis.stop();
}, 20_000);

test("a store that lost its rows fails renew once; all rows are restored", async () => {
  const redis = await startRedis();
  const table = new RedisTable({ url: redis.url });
  const frontend = freshFrontend();
  const topics = Array.from({ length: 100 }, freshTopic);
  await eventually("first renewal", () => renewAndPutBack(table, frontend, topics));
  await redis.server.kill();
  expect((await settle(table.lookup(topics))).error).toBeInstanceOf(TableUnavailableError);
  await redis.server.restart();
  const start = performance.now();
  expect(
    await eventually("renewal after the restart", () => renewAndPutBack(table, frontend, topics)),
  ).toBe(false);
  expect(performance.now() - start).toBeLessThan(5000);
  expect((await table.lookup(topics)).flat()).toHaveLength(100);
  expect(await renewAndPutBack(table, frontend, topics)).toBe(true);
  await redis.server.client.flushall();
  expect((await table.lookup(topics)).flat()).toHaveLength(0);
  expect(await renewAndPutBack(table, frontend, topics)).toBe(false);
  expect((await table.lookup(topics)).flat()).toHaveLength(100);
  expect(await renewAndPutBack(table, frontend, topics)).toBe(true);
  await table.close();
  await redis.stop();
}, 20_000);

test("a client that has given up is restarted until the store is closed", async () => {
  const redis = await startRedis();
  const store = openRedisStore({ url: redis.url });
  await eventually("ping", () => store.ping());
  store.client.disconnect();
  await eventually("ping again", () => store.ping());
  await store.close();
  await Bun.sleep(200);
  expect((await settle(store.ping())).error).toBeInstanceOf(TableUnavailableError);
  await redis.stop();
}, 20_000);

test("a claim whose reply was lost belongs to its caller, and to no other", async () => {
  const redis = await startRedis();
  const relay = await startRelay(redis.server.port);
  const [store, direct] = [
    openRedisStore({ url: `redis://127.0.0.1:${relay.port}`, timeoutMs: 500 }),
    openRedisStore({ url: redis.url }),
  ];
  const [shared, others] = [new RedisSharedStore(store), new RedisSharedStore(direct)];
  for (const one of [store, direct]) await eventually("ping", () => one.ping());
  expect((await shared.claim("the script is known", 10_000)).mine).toBe(true);
  relay.loseAnswerTo("batch 7");
  expect((await shared.claim("batch 7", 10_000)).mine).toBe(true);
  expect(relay.lost).toBe(1);
  expect((await others.claim("batch 7", 10_000)).mine).toBe(false);
  expect((await shared.claim("batch 7", 10_000)).mine).toBe(false);
  // Stopped, and carried out after the caller has given up.
  redis.server.pause();
  expect((await settle(shared.claim("batch 8", 10_000))).error).toBeInstanceOf(
    TableUnavailableError,
  );
  redis.server.resume();
  await eventually(
    "it was carried out",
    async () => (await redis.server.client.exists("o:claim:batch 8")) === 1,
    Boolean,
  );
  expect((await others.claim("batch 8", 10_000)).mine).toBe(false);
  expect((await eventually("claim", () => shared.claim("batch 8", 10_000))).mine).toBe(true);
  expect((await shared.claim("batch 8", 10_000)).mine).toBe(false);
  await Promise.all([store.close(), direct.close()]);
  relay.stop();
  await redis.stop();
}, 20_000);

test("a flushed node of a Cluster, and a failover to a replica, are both detected", async () => {
  const cluster = await startRedisCluster({ replicas: true, nodeTimeoutMs: 1000 });
  const table = new RedisTable({ url: cluster.url });
  const frontend = freshFrontend();
  const topics = Array.from({ length: 90 }, freshTopic);
  await eventually("first renewal", () => renewAndPutBack(table, frontend, topics));
  await eventually(
    "the rows are complete",
    () => renewAndPutBack(table, frontend, topics),
    (ran) => ran,
  );

  for (const server of cluster.servers.slice(0, 3)) {
    await server.client.flushall();
    expect((await table.lookup(topics)).flat().length).toBeLessThan(90);
    expect(await renewAndPutBack(table, frontend, topics)).toBe(false);
    expect((await table.lookup(topics)).flat()).toHaveLength(90);
  }

  await cluster.servers[0]?.kill();
  const first = await settle(table.lookup(topics));
  if (first.error !== undefined) expect(first.error).toBeInstanceOf(TableUnavailableError);
  if ((await settle(table.lookup([]))).error !== undefined)
    throw new Error("nothing was asked, and it failed");
  await eventually(
    "the replica takes over and the rows are complete",
    async () => {
      await renewAndPutBack(table, frontend, topics);
      return (await table.lookup(topics)).flat().length;
    },
    (count) => count === 90,
  );
  await eventually(
    "the new master's identity is settled",
    () => renewAndPutBack(table, frontend, topics),
    (ran) => ran,
  );
  await table.close();
  await cluster.stop();
}, 45_000);

test("a master that dies under Sentinel is replaced, and frontends restore its rows", async () => {
  const sentinel = await startRedisSentinel();
  const store = openRedisStore({ url: sentinel.url });
  const table = new RedisSubscriptionTable(store);
  const counts = new RedisViewerCounts(store);
  const shared = new RedisSharedStore(store);
  const frontend = freshFrontend();
  const topics = Array.from({ length: 20 }, freshTopic);
  await eventually("first renewal", () => renewAndPutBack(table, frontend, topics));
  await counts.report(frontend.id, [{ topic: topics[0]!, viewers: 5 }], 30_000);
  await sentinel.servers[0]?.kill();
  expect(
    await eventually("renewal after the fail-over", () => renewAndPutBack(table, frontend, topics)),
  ).toBe(false);
  // The Sentinel's announcement may cut the new connection once more.
  await eventually(
    "the rows are complete",
    () => table.lookup(topics),
    (found) => found.flat().length === 20,
  );
  await eventually("report", () =>
    counts.report(frontend.id, [{ topic: topics[0]!, viewers: 6 }], 30_000),
  );
  expect(await eventually("totals", () => counts.totals(topics.slice(0, 1)))).toEqual([
    { local: 6, all: 6 },
  ]);
  expect((await eventually("take", () => shared.take("after", 1, 1, 1000))).ok).toBe(true);
  await table.close();
  await store.close();
  await sentinel.stop();
}, 45_000);

for (const form of ["redis", "redis cluster"] as const) {
  test(`${form}: an emptied store makes no total smaller until the reports are whole`, async () => {
    const instance = await (form === "redis" ? startRedis() : startRedisCluster());
    const store = openRedisStore({ url: instance.url });
    const counts = new RedisViewerCounts(store);
    const frontends = Array.from({ length: 3 }, () => freshFrontend().id);
    const topics = Array.from({ length: 12 }, freshTopic);
    const report = (reporter: (typeof frontends)[number]) =>
      counts.report(
        reporter,
        topics.map((topic) => ({ topic, viewers: 20 })),
        60_000,
      );
    const alls = async () => (await counts.totals(topics)).map((total) => total?.all);
    const all = (viewers: number) => topics.map(() => viewers);
    await eventually("the first reports", () => Promise.all(frontends.map(report)));
    await eventually("all are counted", alls, (found) => found.every((one) => one === 60));
    // What stands before the loss is the memory of it: no later call sees less.
    const losses = [
      () => Promise.all(instance.servers.map(({ client }) => client.flushall())),
      // One of several nodes of a Cluster loses its own.
      () => instance.servers[0]?.client.flushall(),
    ];
    for (const lose of losses) {
      await lose();
      expect(await alls()).toEqual(all(60));
      for (const frontend of frontends) {
        await report(frontend);
        expect(await alls()).toEqual(all(60));
      }
    }
    if (form === "redis") {
      const [server] = instance.servers;
      await server?.kill();
      await server?.restart();
      expect(await eventually("the first totals after the restart", alls)).toEqual(all(60));
    }
    await counts.close();
    await store.close();
    await instance.stop();
  }, 45_000);
}
