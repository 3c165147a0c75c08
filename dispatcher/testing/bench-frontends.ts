/**
 * Four frontends in their own process, and a table in a private Redis with their rows: the
 * receivers in the benchmarks of the dispatcher.
 */

import { frontendIdFrom, parseFrontendId, type Topic } from "@ovation/protocol";
import {
  type FrontendAddress,
  openRedisStore,
  RedisSubscriptionTable,
  type SubscriptionTable,
} from "@ovation/table";
import { startRedis, startRedisCluster } from "../../testing/redis.ts";
import { until } from "../../testing/until.ts";
import { startInternalFrontend } from "./internal-frontend.ts";

export const BENCH_FRONTENDS = 4;
const LEASE_MS = 600_000;

export interface BenchFrontends {
  readonly table: SubscriptionTable;
  /** What the frontends received, and their CPU; ends everything. */
  stop(): Promise<{ readonly micros: number; readonly events: number }>;
}

export interface BenchFrontendsOptions {
  readonly topics: readonly Topic[];
  readonly cluster?: boolean;
  /** Each topic has one frontend instead of all. */
  readonly personal?: boolean;
}

export async function startBenchFrontends({
  topics,
  cluster = false,
  personal = false,
}: BenchFrontendsOptions): Promise<BenchFrontends> {
  const redis = await (cluster ? startRedisCluster() : startRedis());
  const store = openRedisStore({ url: redis.url });
  await until(() => isReached(store));
  const table = new RedisSubscriptionTable(store);
  const child = Bun.spawn([process.execPath, import.meta.path], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const readJson = async () => JSON.parse(new TextDecoder().decode((await reader.read()).value));
  const addresses = (await readJson()) as { id: string; url: string }[];
  for (const [index, { id, url }] of addresses.entries()) {
    const frontend: FrontendAddress = {
      id: parseFrontendId(id) ?? frontendIdFrom(new Uint8Array(8)),
      url,
    };
    await table.renew(frontend, LEASE_MS);
    const mine = personal ? topics.filter((_, at) => at % BENCH_FRONTENDS === index) : topics;
    const changes = mine.map((topic) => ({ topic, subscribed: true, generation: 1 }));
    await table.change(frontend.id, changes);
  }
  return {
    table,
    async stop() {
      child.kill("SIGTERM");
      const received = (await readJson()) as { micros: number; events: number };
      await table.close();
      await store.close();
      await redis.stop();
      return received;
    },
  };
}

async function isReached(store: { ping(): Promise<void> }): Promise<boolean> {
  try {
    await store.ping();
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const frontends = Array.from({ length: BENCH_FRONTENDS }, () => startInternalFrontend());
  // What arrived is counted by the receivers; kept, it would only measure the memory.
  setInterval(() => {
    for (const { received } of frontends) received.length = 0;
  }, 20);
  process.on("SIGTERM", () => {
    const used = process.cpuUsage();
    const events = frontends.reduce((sum, { receiver }) => sum + receiver.stats().events, 0);
    process.stdout.write(`${JSON.stringify({ micros: used.user + used.system, events })}\n`);
    process.exit(0);
  });
  const addresses = frontends.map(({ credential: { id }, listener: { url } }) => ({ id, url }));
  process.stdout.write(`${JSON.stringify(addresses)}\n`);
}
