import { afterEach, expect, test } from "bun:test";
import { frontendIdFrom, parseTopic } from "@ovation/protocol";
import { createManualClock } from "../testing/manual-clock.ts";
import { type RedisInstance, startRedis, startRedisCluster } from "../testing/redis.ts";
import { until } from "../testing/until.ts";
import type { DatacenterTable } from "./datacenter-table.ts";
import { MEMORY_TABLE, openTable } from "./open-table.ts";
import { TableUnavailableError } from "./subscription-table.ts";

const TOPIC = parseTopic("video:a")!;
const FRONTEND = { id: frontendIdFrom(new Uint8Array(8)), url: "http://10.0.0.1:9080" };
const TTL_MS = 60_000;

const opened: { close(): Promise<void> }[] = [];
const servers: RedisInstance[] = [];
afterEach(async () => {
  for (const table of opened.splice(0)) await table.close();
  for (const server of servers.splice(0)) await server.stop();
});

function open(url: string): DatacenterTable {
  const table = openTable({ url, ...(url === MEMORY_TABLE ? { clock: createManualClock() } : {}) });
  opened.push(table);
  return table;
}

async function useAllParts(table: DatacenterTable): Promise<void> {
  await table.subscriptions.renew(FRONTEND, TTL_MS);
  const change = { topic: TOPIC, subscribed: true, generation: 1 };
  await table.subscriptions.change(FRONTEND.id, [change]);
  expect(await table.subscriptions.lookup([TOPIC])).toEqual([[FRONTEND]]);
  await table.counts.report(FRONTEND.id, [{ topic: TOPIC, viewers: 3 }], TTL_MS);
  await table.shared.set("k", "v", TTL_MS);
  expect(await table.shared.get(["k"])).toEqual(["v"]);
  const dispatcher = { id: "d", url: "http://10.0.0.2:9001" };
  const renewed = await table.dispatchers.renew(dispatcher, TTL_MS);
  expect(renewed).toEqual({ isNew: true, dispatchers: [dispatcher] });
}

test("memory: every part works, and knows its totals", async () => {
  const table = open(MEMORY_TABLE);
  await table.ping();
  await useAllParts(table);
  expect(await table.counts.totals([TOPIC])).toEqual([{ local: 3, all: 3 }]);
});

test.each(["one server", "a cluster"])(
  "a store of %s: parts share a connection",
  async (form) => {
    const server = form === "a cluster" ? await startRedisCluster() : await startRedis();
    servers.push(server);
    const [table, other] = [open(server.url), open(server.url)];
    await until(() => other.ping().then(() => true));
    await until(() => table.ping().then(() => true));
    await useAllParts(table);
    expect(await other.subscriptions.lookup([TOPIC])).toEqual([[FRONTEND]]);
    expect(await other.shared.get(["k"])).toEqual(["v"]);
    await table.close();
    await expect(table.ping()).rejects.toThrow(TableUnavailableError);
    await expect(table.subscriptions.lookup([TOPIC])).rejects.toThrow(TableUnavailableError);
  },
  60_000,
);

test("a process that uses shared values alone does not sweep", async () => {
  const server = await startRedis();
  servers.push(server);
  const table = open(server.url);
  await until(() => table.ping().then(() => true));
  const commands = async () => {
    const info = await server.servers[0]!.client.info("commandstats");
    return Number(/cmdstat_get:calls=(\d+)/.exec(info)?.[1] ?? 0);
  };
  await Bun.sleep(2_500);
  expect(await commands()).toBe(0);
  // A sweep asks each second whether a frontend died.
  void table.subscriptions;
  await until(async () => (await commands()) > 0);
}, 30_000);

test("a URL that is none is refused when it is opened", () => {
  expect(() => openTable({ url: "memory" })).toThrow(/is not redis:\/\/host:port/);
  expect(() => openTable({ url: "https://host" })).toThrow(/is not redis:\/\/host:port/);
});
