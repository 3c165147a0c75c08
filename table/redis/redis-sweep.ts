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
/** Ticks between two reads of all leases, which find the dead whose topics no lookup names. */
const EXPIRE_TICKS = 10;

/** KEYS: row. ARGV: id, value. Removes the field if it still has this value. */
const REMOVE_IF = script(`
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])`);

export interface RedisSweepOptions {
  readonly store: RedisStore;
  readonly leases: RedisLeases;
  /** The rows are the keys that start with it. */
  readonly rowPrefix: string;
  /** How often to look for rows of the dead. Default 1,000. */
  readonly tickMs?: number | undefined;
}

interface Field {
  readonly rowKey: string;
  readonly id: string;
}

export class RedisSweep {
  readonly #store: RedisStore;
  readonly #leases: RedisLeases;
  readonly #rowPrefix: string;
  readonly #tickMs: number;
  readonly #lockKey: string;
  readonly #doneKey: string;
  #fields = new Map<string, Field>();
  #swept = 0;
  #ticks = 0;
  #isClosed = false;
  #timer: ReturnType<typeof setTimeout>;

  constructor({ store, leases, rowPrefix, tickMs = TICK_MS }: RedisSweepOptions) {
    this.#store = store;
    this.#leases = leases;
    this.#rowPrefix = rowPrefix;
    this.#tickMs = tickMs;
    this.#lockKey = `${store.prefix}:sweeping:${rowPrefix}`;
    this.#doneKey = `${store.prefix}:swept:${rowPrefix}`;
    this.#timer = this.#tickAfter(tickMs);
  }

  /** How many fields this process has removed. */
  get swept(): number {
    return this.#swept;
  }

  /** A field of a row whose id has no lease. Over the bound it is left to the walk. */
  seen(rowKey: string, id: string): void {
    if (this.#fields.size < SEEN_MAX) this.#fields.set(`${rowKey} ${id}`, { rowKey, id });
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #tickAfter(ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => void this.#tick(), ms).unref();
  }

  async #tick(): Promise<void> {
    try {
      await this.#removeSeen();
      await this.#walkIfDue();
    } catch (error) {
      // The store is unreachable, which callers report; sweeping can wait.
      if (!(error instanceof TableUnavailableError)) throw error;
    } finally {
      // Jitter: the processes of a data centre were perhaps started together.
      if (!this.#isClosed) this.#timer = this.#tickAfter(this.#tickMs * (0.5 + Math.random()));
    }
  }

  async #removeSeen(): Promise<void> {
    const found = [...this.#fields.values()];
    this.#fields = new Map();
    await this.#remove(found);
  }

  async #walkIfDue(): Promise<void> {
    const { client } = this.#store;
    if (this.#ticks++ % EXPIRE_TICKS === 0)
      await this.#store.run("sweep", 1, () => this.#leases.live());
    const [deaths, done] = await this.#store.run("sweep", 2, () =>
      Promise.all([this.#leases.deaths(), client.get(this.#doneKey)]),
    );
    if (deaths === (done ?? "0")) return;
    const locked = await this.#store.run("sweep", 1, () =>
      client.set(this.#lockKey, "1", "PX", LOCK_MS, "NX"),
    );
    if (locked !== "OK") return;
    try {
      for (const { node } of this.#store.masters()) await this.#walk(node);
      if (!this.#isClosed)
        await this.#store.run("sweep", 1, () => client.set(this.#doneKey, deaths));
    } finally {
      if (!this.#isClosed) await this.#store.run("sweep", 1, () => client.del(this.#lockKey));
    }
  }

  async #walk(node: Redis): Promise<void> {
    let cursor = "0";
    do {
      const [next, rows] = await this.#store.run("sweep", 1, () =>
        node.scan(cursor, "MATCH", `${this.#rowPrefix}*`, "COUNT", SLICE_MAX),
      );
      await this.#remove(await this.#findDead(rows));
      await this.#store.run("sweep", 1, () =>
        this.#store.client.set(this.#lockKey, "1", "PX", LOCK_MS),
      );
      cursor = next;
      await new Promise((resolve) => setTimeout(resolve, SLICE_PAUSE_MS));
    } while (cursor !== "0" && !this.#isClosed);
  }

  #findDead(rows: readonly string[]): Promise<readonly Field[]> {
    return this.#store.run("sweep", rows.length + 1, async () => {
      const ids = await Promise.all(rows.map((key) => this.#store.client.hkeys(key)));
      const live = await this.#leases.live();
      return rows.flatMap((rowKey, index) =>
        (ids[index] ?? []).filter((id) => !live.has(id)).map((id) => ({ rowKey, id })),
      );
    });
  }

  async #remove(found: readonly Field[]): Promise<void> {
    for (let index = 0; index < found.length && !this.#isClosed; index += SLICE_MAX)
      await this.#removeSlice(found.slice(index, index + SLICE_MAX));
  }

  async #removeSlice(found: readonly Field[]): Promise<void> {
    const { client } = this.#store;
    await this.#store.run("sweep", found.length * 2 + 1, async () => {
      const values = await Promise.all(found.map(({ rowKey, id }) => client.hget(rowKey, id)));
      const live = await this.#leases.live();
      const removed = await Promise.all(
        found.map(({ rowKey, id }, index) => {
          const value = values[index];
          return typeof value !== "string" || live.has(id)
            ? 0
            : this.#store.evaluate(REMOVE_IF, [rowKey], [id, value]);
        }),
      );
      for (const one of removed) this.#swept += Number(one);
    });
  }
}
