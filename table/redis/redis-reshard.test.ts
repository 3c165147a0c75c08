/**
 * A Cluster whose slots move from node to node while frontends subscribe and dispatchers look up.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { topicOf } from "@ovation/protocol";
import { type RedisInstance, type RedisServer, startRedisCluster } from "../../testing/redis.ts";
import { until } from "../../testing/until.ts";
import { freshFrontend } from "../subscription-table.contract.ts";
import { TableUnavailableError } from "../subscription-table.ts";
import { RedisTable } from "../testing/redis-table.ts";

let cluster: RedisInstance;
let table: RedisTable;

beforeAll(async () => {
  cluster = await startRedisCluster();
  table = new RedisTable({ url: cluster.url });
  for (let ready = false; !ready; ) {
    ready = await table.renew(freshFrontend(), 1000).then(
      () => true,
      () => false,
    );
  }
}, 30_000);

afterAll(async () => {
  await table.close();
  await cluster.stop();
});

const LEASES = "o:{frontends}:leases";

async function slotOf(key: string): Promise<number> {
  return Number(await cluster.servers[0]?.client.cluster("KEYSLOT", key));
}

/**
 * Moves a slot to the last node, as `redis-cli --cluster reshard` does; `open` runs while the slot
 * is between both, before and after its keys moved.
 */
async function move(
  slot: number,
  open: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  const ids = await Promise.all(
    cluster.servers.map(async ({ client }) => String(await client.cluster("MYID"))),
  );
  const ownerAt = async ({ client }: RedisServer) => {
    const range = (await client.cluster("SLOTS")).find(
      ([first, last]) => first <= slot && slot <= last,
    );
    return ids.indexOf(range?.[2]?.[2] ?? "");
  };
  const to = cluster.servers.length - 1;
  const from = await ownerAt(cluster.servers[to] as RedisServer);
  if (from === to) return;
  const [source, target] = [cluster.servers[from], cluster.servers[to]] as [
    RedisServer,
    RedisServer,
  ];
  await target.client.cluster("SETSLOT", slot, "IMPORTING", ids[from] ?? "");
  await source.client.cluster("SETSLOT", slot, "MIGRATING", ids[to] ?? "");
  await open();
  const keys = (await source.client.cluster("GETKEYSINSLOT", slot, 1000)) as string[];
  for (const key of keys) await source.client.migrate("127.0.0.1", target.port, key, 0, 5000);
  await open();
  for (const { client } of [target, source, ...cluster.servers.slice(0, to)])
    await client.cluster("SETSLOT", slot, "NODE", ids[to] ?? "");
  // Moves faster than the nodes' gossip would leave them in conflict: no resharding tool does that.
  await until(async () =>
    (await Promise.all(cluster.servers.map(ownerAt))).every((owner) => owner === to),
  );
}

test("while slots of topics and leases move, lookups work and rows stay exact", async () => {
  const frontends = [freshFrontend(), freshFrontend()];
  for (const frontend of frontends) await table.renew(frontend, 60_000);
  const topics = Array.from({ length: 30 }, (_, index) => topicOf("video", `moving-${index}`));
  const wanted = new Map<string, boolean>();
  let generation = 0;
  let [changes, lookups, refused] = [0, 0, 0];

  /** An error for a moment is allowed; a wrong result is not. */
  async function patiently<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof TableUnavailableError)) throw error;
        refused++;
      }
    }
  }
  async function change(index: number): Promise<void> {
    const [frontend, topic] = [frontends[index % 2], topics[index % topics.length]];
    if (frontend === undefined || topic === undefined) return;
    const subscribed = index % 3 !== 0;
    await patiently(() =>
      table.change(frontend.id, [{ topic, subscribed, generation: ++generation }]),
    );
    wanted.set(`${topic} ${frontend.id}`, subscribed);
    changes++;
  }
  async function compare(): Promise<void> {
    const found = await patiently(() => table.lookup(topics));
    const rows = topics
      .flatMap((topic, index) => (found[index] ?? []).map(({ id }) => `${topic} ${id}`))
      .sort();
    expect(rows).toEqual(
      [...wanted].flatMap(([row, subscribed]) => (subscribed ? [row] : [])).sort(),
    );
    lookups++;
  }
  async function busy(): Promise<void> {
    for (let round = 0; round < 5; round++) {
      for (let index = 0; index < topics.length * 2; index++) await change(index * 7 + round);
      await compare();
    }
  }

  await busy();
  // Every lookup reads the leases: also while their slot is open, as after an aborted move.
  await move(await slotOf(LEASES), busy);
  await busy();
  const slots = await Promise.all(topics.map((topic) => slotOf(`o:t:${topic}`)));
  let isOver = false;
  const working = (async () => {
    while (!isOver) await busy();
  })();
  for (const slot of slots) await move(slot);
  isOver = true;
  await working;
  await busy();
  expect([changes > 1000, lookups > 20]).toEqual([true, true]);
  expect(refused).toBe(0);
}, 20_000);
