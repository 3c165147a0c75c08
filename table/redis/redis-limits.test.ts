/** Limits of the store in Redis, on a real server: what happens at each, and beyond it. */

import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import { type RedisInstance, startRedis } from "../../testing/redis.ts";
import { until } from "../../testing/until.ts";
import { RedisSharedStore, UNSURE_MAX } from "../shared-store-redis.ts";
import { TableUnavailableError } from "../subscription-table.ts";
import { watchStore } from "../testing/watched-store.ts";
import { RECONNECT_MS_MAX, reconnectDelay } from "./redis-client.ts";
import { RedisLeases } from "./redis-leases.ts";
import { openRedisStore, type RedisStore, STORE_COMMANDS_MAX } from "./redis-store.ts";
import { RedisSweep, SEEN_MAX, SLICE_MAX } from "./redis-sweep.ts";

let redis: RedisInstance;
let store: RedisStore;
beforeAll(async () => {
  redis = await startRedis();
  store = openRedisStore({ url: redis.url, timeoutMs: 5_000 });
  await until(() => store.ping().then(() => true));
}, 30_000);
afterAll(async () => {
  await store.close();
  await redis.stop();
});

test("with STORE_COMMANDS_MAX in flight one more is refused, and accepted later", async () => {
  const gate = Promise.withResolvers<string>();
  const most = store.run("most", STORE_COMMANDS_MAX - 1, () => gate.promise);
  const last = store.run("last", 1, () => gate.promise);
  await expect(store.run("beyond", 1, async () => "taken")).rejects.toThrow(
    "too many commands in flight",
  );
  gate.resolve("done");
  expect(await Promise.all([most, last])).toEqual(["done", "done"]);
  expect(await store.run("beyond", 1, async () => "taken")).toBe("taken");
  // A single larger call is sent: it would wait for ever.
  expect(await store.run("large", 2 * STORE_COMMANDS_MAX, async () => "taken")).toBe("taken");
});

test("RECONNECT_MS_MAX is the longest wait between two attempts to connect", () => {
  const random = spyOn(Math, "random");
  try {
    random.mockReturnValue(1 - Number.EPSILON);
    expect(reconnectDelay(1)).toBeLessThan(RECONNECT_MS_MAX / 2);
    for (const times of [5, 10, 1_000]) {
      expect(reconnectDelay(times)).toBeLessThanOrEqual(RECONNECT_MS_MAX);
      expect(reconnectDelay(times)).toBeGreaterThan(0.99 * RECONNECT_MS_MAX);
    }
    random.mockReturnValue(0);
    expect(reconnectDelay(1_000)).toBeLessThan(0.1 * RECONNECT_MS_MAX);
  } finally {
    random.mockRestore();
  }
});

test("SEEN_MAX fields wait to be swept; the walk sweeps the rest, SLICE_MAX at once", async () => {
  const row = `${store.prefix}:swept:row`;
  const rest = 2 * SLICE_MAX + 1;
  const fields = Array.from({ length: SEEN_MAX + rest }, (_, n) => `dead${n}`);
  for (let start = 0; start < fields.length; start += 1_000)
    await store.client.hset(
      row,
      Object.fromEntries(fields.slice(start, start + 1_000).map((id) => [id, 1])),
    );
  let largest = 0;
  const watched = watchStore(store, (what, commands, issue) => {
    largest = Math.max(largest, commands);
    return store.run(what, commands, issue);
  });
  const leases = new RedisLeases(watched, "sweepers");
  const sweep = new RedisSweep({
    store: watched,
    leases,
    rowPrefix: `${store.prefix}:swept:`,
    tickMs: 20,
  });
  for (const id of fields) sweep.seen(row, id);
  const untilSwept = async (swept: number) => {
    await until(() => sweep.swept >= swept);
    // A few ticks more: no other field is removed.
    await Bun.sleep(200);
    expect(sweep.swept).toBe(swept);
  };
  await untilSwept(SEEN_MAX);
  expect(await store.client.hlen(row)).toBe(rest);
  // A death makes a walk due.
  await leases.renew("mortal", 60_000, "life", "http://mortal");
  await leases.release("mortal");
  await untilSwept(fields.length);
  expect(await store.client.exists(row)).toBe(0);
  expect(largest).toBe(2 * SLICE_MAX + 1);
  sweep.close();
}, 30_000);

test("UNSURE_MAX claims without a reply are kept as the caller's; older ones are not", async () => {
  let isLosing = true;
  const losing = watchStore(store, async (what, commands, issue) => {
    const answer = await store.run(what, commands, issue);
    // Carried out, and the reply is lost.
    if (isLosing) throw new TableUnavailableError("lost");
    return answer;
  });
  const shared = new RedisSharedStore(losing);
  const claim = (n: number) => shared.claim(`unsure ${n}`, 60_000);
  const isLost = (n: number) => expect(claim(n)).rejects.toThrow(TableUnavailableError);
  for (let n = 0; n < UNSURE_MAX; n += 500)
    await Promise.all(Array.from({ length: 500 }, (_, at) => isLost(n + at)));
  await isLost(UNSURE_MAX);
  isLosing = false;
  expect((await claim(0)).mine).toBe(false);
  for (const n of [1, 2, UNSURE_MAX]) expect([n, (await claim(n)).mine]).toEqual([n, true]);
}, 30_000);
