import { afterAll, beforeAll } from "bun:test";
import { createManualClock } from "../testing/manual-clock.ts";
import { type RedisInstance, startRedis, startRedisCluster } from "../testing/redis.ts";
import { until } from "../testing/until.ts";
import { dispatcherLeasesContract } from "./dispatcher-leases.contract.ts";
import { MemoryDispatcherLeases } from "./dispatcher-leases-memory.ts";
import { RedisDispatcherLeases } from "./dispatcher-leases-redis.ts";
import { openRedisStore, type RedisStore } from "./redis/redis-store.ts";

let instances: RedisInstance[] = [];
const stores: RedisStore[] = [];
let opened = 0;

beforeAll(async () => {
  instances = await Promise.all([startRedis(), startRedisCluster()]);
}, 30_000);

afterAll(async () => {
  for (const store of stores) await store.close();
  await Promise.all(instances.map((instance) => instance.stop()));
});

dispatcherLeasesContract("memory", async () => {
  const clock = createManualClock();
  const leases = new MemoryDispatcherLeases(clock);
  return { leases, pass: async (ms) => clock.advanceNow(ms), ttlMs: 1000 };
});

for (const [index, form] of ["redis", "redis cluster"].entries()) {
  dispatcherLeasesContract(form, async () => {
    const url = instances[index]?.url ?? "";
    const store = openRedisStore({ url, prefix: `p${++opened}` });
    stores.push(store);
    await until(() => store.ping().then(() => true));
    return { leases: new RedisDispatcherLeases(store), pass: (ms) => Bun.sleep(ms), ttlMs: 400 };
  });
}
