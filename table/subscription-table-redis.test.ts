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
  await until(async () => {
    // A death is noticed by any lookup of any topic.
    await table.lookup([freshTopic()]);
    return table.swept >= 1200;
  });
  expect(table.swept).toBe(1200);
  expect(await store.server.client.keys("mine:t:*")).toHaveLength(10);
  expect((await table.lookup(topics.slice(0, 10))).flat()).toHaveLength(10);
  await table.close();
  await connection.close();
  await store.stop();
}, 20_000);
