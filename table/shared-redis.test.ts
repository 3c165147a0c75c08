import { afterAll, beforeAll } from "bun:test";
import { type RedisInstance, startRedis, startRedisCluster } from "../testing/redis.ts";
import { until } from "../testing/until.ts";
import { openRedisStore, type RedisStore } from "./redis/redis-store.ts";
import { sharedStoreContract } from "./shared-store.contract.ts";
import { RedisSharedStore } from "./shared-store-redis.ts";
import { viewerCountsContract } from "./viewer-counts.contract.ts";
import { RedisViewerCounts } from "./viewer-counts-redis.ts";

let instances: RedisInstance[] = [];
const stores: RedisStore[] = [];

beforeAll(async () => {
  instances = await Promise.all([startRedis(), startRedisCluster()]);
  for (const { url } of instances) {
    const store = openRedisStore({ url });
    stores.push(store);
    await until(() => store.ping().then(() => true));
  }
}, 30_000);

afterAll(async () => {
  for (const store of stores) await store.close();
  await Promise.all(instances.map((instance) => instance.stop()));
});

for (const [index, form] of ["redis", "redis cluster"].entries()) {
  const pass = (ms: number) => Bun.sleep(ms);
  sharedStoreContract(form, async () => ({ store: new RedisSharedStore(stores[index]!), pass }));
  viewerCountsContract(
    form,
    async () => ({ counts: new RedisViewerCounts(stores[index]!), pass, ttlMs: 400 }),
    60,
  );
}
