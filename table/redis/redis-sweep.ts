/**
 * Sweeps the rows of dead frontends: fields of row hashes whose id has no lease. They do not count
 * from the moment their lease ends; sweeping only frees the memory.
 *
 * Two ways, both bounded: a reader that meets such a field reports it (`seen`); and after a death
 * one process at a time walks through the keys, slowly. Without a death since the last walk,
 * nothing is done.
 *
 * Never sweeps live rows: a field is removed only if it still has the value that was read *before*
 * the leases were read, and its id was not among them. A frontend that returns is told so by
 * `renew`, and writes new values.
 */

import type { Redis } from "ioredis";
import { TableUnavailableError } from "../subscription-table.ts";
import type { RedisLeases } from "./redis-leases.ts";
import { type RedisStore, script } from "./redis-store.ts";

/** Reported fields that wait for the next step. */
export const SEEN_MAX = 10_000;
/** Fields removed at once, and rows that one step of a walk reads. */
export const SLICE_MAX = 500;
const TICK_MS = 1000;
const LOCK_MS = 30_000;
/** Between two slices of a walk, so that it takes a small part of the store's time. */
const SLICE_PAUSE_MS = 50;

/** KEYS: row. ARGV: id, value. Removes the field if it still has this value. */
const REMOVE_IF = script(`
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])`);

export interface RedisSweep {
  /** A field of a row whose id has no lease. Over the bound it is left to the walk. */
  seen(rowKey: string, id: string): void;
  /** How many fields this process has removed. */
  readonly swept: number;
  close(): void;
}

export interface RedisSweepOptions {
  readonly store: RedisStore;
  readonly leases: RedisLeases;
  /** The rows are the keys that start with it. */
  readonly rowPrefix: string;
  readonly tickMs?: number;
}

interface Field {
  readonly rowKey: string;
  readonly id: string;
}

export function createRedisSweep({
  store,
  leases,
  rowPrefix,
  tickMs = TICK_MS,
}: RedisSweepOptions): RedisSweep {
  const { client } = store;
  const lockKey = `${store.prefix}:sweeping:${rowPrefix}`;
  const doneKey = `${store.prefix}:swept:${rowPrefix}`;
  let fields = new Map<string, Field>();
  let swept = 0;
  let closed = false;
  let timer = setTimeout(tick, tickMs);

  async function remove(found: readonly Field[]): Promise<void> {
    for (let index = 0; index < found.length && !closed; index += SLICE_MAX)
      await removeSlice(found.slice(index, index + SLICE_MAX));
  }

  async function removeSlice(found: readonly Field[]): Promise<void> {
    await store.run("sweep", found.length * 2 + 1, async () => {
      const values = await Promise.all(found.map(({ rowKey, id }) => client.hget(rowKey, id)));
      const live = await leases.live();
      const removed = await Promise.all(
        found.map(({ rowKey, id }, index) => {
          const value = values[index];
          return typeof value !== "string" || live.has(id)
            ? 0
            : store.evaluate(REMOVE_IF, [rowKey], [id, value]);
        }),
      );
      for (const one of removed) swept += Number(one);
    });
  }

  async function removeSeen(): Promise<void> {
    const found = [...fields.values()];
    fields = new Map();
    await remove(found);
  }

  async function walkIfDue(): Promise<void> {
    const [deaths, done] = await store.run("sweep", 2, () =>
      Promise.all([leases.deaths(), client.get(doneKey)]),
    );
    if (deaths === (done ?? "0")) return;
    const locked = await store.run("sweep", 1, () => client.set(lockKey, "1", "PX", LOCK_MS, "NX"));
    if (locked !== "OK") return;
    try {
      for (const { node } of store.masters()) await walk(node);
      if (!closed) await store.run("sweep", 1, () => client.set(doneKey, deaths));
    } finally {
      if (!closed) await store.run("sweep", 1, () => client.del(lockKey));
    }
  }

  async function walk(node: Redis): Promise<void> {
    let cursor = "0";
    do {
      const [next, rows] = await store.run("sweep", 1, () =>
        node.scan(cursor, "MATCH", `${rowPrefix}*`, "COUNT", SLICE_MAX),
      );
      const found = await store.run("sweep", rows.length + 1, async () => {
        const ids = await Promise.all(rows.map((key) => client.hkeys(key)));
        const live = await leases.live();
        return rows.flatMap((rowKey, index) =>
          (ids[index] ?? []).filter((id) => !live.has(id)).map((id) => ({ rowKey, id })),
        );
      });
      await remove(found);
      await store.run("sweep", 1, () => client.set(lockKey, "1", "PX", LOCK_MS));
      cursor = next;
      await new Promise((resolve) => setTimeout(resolve, SLICE_PAUSE_MS));
    } while (cursor !== "0" && !closed);
  }

  function tick(): void {
    void work().finally(() => {
      // Jitter: the processes of a data centre were perhaps started together.
      if (!closed) timer = setTimeout(tick, tickMs * (0.5 + Math.random()));
      timer.unref();
    });
  }

  async function work(): Promise<void> {
    try {
      await removeSeen();
      await walkIfDue();
    } catch (error) {
      // The store is unreachable, which callers report; sweeping can wait.
      if (!(error instanceof TableUnavailableError)) throw error;
    }
  }

  timer.unref();
  return {
    seen(rowKey, id) {
      if (fields.size < SEEN_MAX) fields.set(`${rowKey} ${id}`, { rowKey, id });
    },
    get swept() {
      return swept;
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
