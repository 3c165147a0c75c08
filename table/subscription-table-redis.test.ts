import { afterAll, beforeAll, expect, test } from "bun:test";
import { type RedisInstance, startRedis, startRedisCluster } from "../testing/redis.ts";
import { until } from "../testing/until.ts";
import { openRedisStore } from "./redis/redis-store.ts";
import {
  freshFrontend,
  freshTopic,
  subscriptionTableContract,
} from "./subscription-table.contract.ts";
import { RedisSubscriptionTable } from "./subscription-table-redis.ts";
import { RedisTable } from "./testing/redis-table.ts";

let single: RedisInstance;
let cluster: RedisInstance;
const tables: RedisTable[] = [];

beforeAll(async () => {
  [single, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
  for (const { url } of [single, cluster]) {
    const table = new RedisTable({ url });
    tables.push(table);
    await until(() => table.lookup([freshTopic()]).then(() => true));
  }
}, 30_000);

afterAll(async () => {
  for (const table of tables) await table.close();
  await Promise.all([single.stop(), cluster.stop()]);
});

for (const [index, form] of ["redis", "redis cluster"].entries()) {
  subscriptionTableContract(
    form,
    async () => ({ table: tables[index]!, pass: (ms) => Bun.sleep(ms), ttlMs: 400 }),
    { runs: 350 },
  );
}

test("a topic of one frontend is a packed list, removed with the last frontend", async () => {
  const table = tables[0]!;
  const { client } = single.servers[0]!;
  const a = freshFrontend();
  const topic = freshTopic();
  await table.renew(a, 60_000);
  await table.change(a.id, [{ topic, subscribed: true, generation: 12_345 }]);
  expect(await client.object("ENCODING", `o:t:${topic}`)).toBe("listpack");
  expect(Number(await client.memory("USAGE", `o:t:${topic}`))).toBeLessThan(200);
  await table.change(a.id, [{ topic, subscribed: false, generation: 12_346 }]);
  expect(await client.exists(`o:t:${topic}`)).toBe(0);
});

test("a cluster's topics spread over all its nodes", async () => {
  const table = tables[1]!;
  const a = freshFrontend();
  await table.renew(a, 60_000);
  await table.change(
    a.id,
    Array.from({ length: 3000 }, (_, index) => ({
      topic: freshTopic(),
      subscribed: true,
      generation: index + 1,
    })),
  );
  for (const { client } of cluster.servers) expect(await client.dbsize()).toBeGreaterThan(700);
});

test("rows of dead frontends are swept without a lookup of their topics", async () => {
  const store = await startRedis();
  const connection = openRedisStore({ url: store.url, prefix: "mine" });
  const table = new RedisSubscriptionTable(connection, { sweepMs: 50 });
  const [dead, living] = [freshFrontend(), freshFrontend()];
  await until(() => table.renew(dead, 200).then(() => true));
  await table.renew(living, 60_000);
  const topics = Array.from({ length: 1200 }, freshTopic);
  const rows = topics.map((topic, index) => ({ topic, subscribed: true, generation: index + 1 }));
  await table.change(dead.id, rows);
  await table.change(living.id, rows.slice(0, 10));
  expect(await store.server.client.keys("mine:t:*")).toHaveLength(1200);
  await until(() => table.swept >= 1200, "all rows of the dead frontend are swept");
  expect(table.swept).toBe(1200);
  expect(await store.server.client.keys("mine:t:*")).toHaveLength(10);
  expect((await table.lookup(topics.slice(0, 10))).flat()).toHaveLength(10);
  await table.close();
  await connection.close();
  await store.stop();
}, 20_000);

/** Calls of a command so far, inside scripts too. */
async function callsOf({ servers }: RedisInstance, command: string): Promise<number> {
  const infos = await Promise.all(servers.map(({ client }) => client.info("commandstats")));
  const calls = new RegExp(`cmdstat_${command}:calls=(\\d+)`);
  return infos.reduce((sum, info) => sum + Number(calls.exec(info)?.[1] ?? 0), 0);
}

for (const [index, form] of ["redis", "redis cluster"].entries())
  test(`${form}: a lookup reads the leases of its rows, and no others`, async () => {
    const instance = [single, cluster][index]!;
    const connection = openRedisStore({ url: instance.url, prefix: "many" });
    // No sweep during the test: it reads all leases.
    const table = new RedisSubscriptionTable(connection, { sweepMs: 1_000_000 });
    const frontends = Array.from({ length: 300 }, freshFrontend);
    const [reader] = frontends;
    if (reader === undefined) throw new Error("no frontend");
    await until(() => table.renew(reader, 60_000).then(() => true));
    await Promise.all(frontends.map((frontend) => table.renew(frontend, 60_000)));
    const topic = freshTopic();
    await table.change(reader.id, [{ topic, subscribed: true, generation: 1 }]);
    const before = [await callsOf(instance, "hget"), await callsOf(instance, "hgetall")];
    expect(await table.lookup([topic, freshTopic()])).toEqual([[reader], []]);
    const after = [await callsOf(instance, "hget"), await callsOf(instance, "hgetall")];
    expect(after.map((calls, at) => calls - (before[at] ?? 0))).toEqual([1, 0]);
    await table.close();
    await connection.close();
  }, 20_000);
