/**
 * Viewer counts on Redis or Valkey, in the layout of the subscription table: `o:v:video:42` is a
 * hash, frontend → number, and `o:{viewers}:leases` names the live reporters. Another data centre's
 * numbers are their own keys, `o:dc:EAST:video:42`, which expire.
 *
 * Cost: a report is one command per topic that changed and two more; totals are one command per
 * topic and data centre, and one more, in one pipeline per node, and then one to each node for its
 * identity: a store that lost its rows is no video without viewers (`held-totals.ts`).
 */

import { randomBytes } from "node:crypto";
import { type Clock, steadyClock, type Topic } from "@ovation/protocol";
import { HeldTotals } from "./held-totals.ts";
import { readIdentity, readLife } from "./redis/redis-identity.ts";
import { RedisLeases } from "./redis/redis-leases.ts";
import type { RedisStore } from "./redis/redis-store.ts";
import { RedisSweep } from "./redis/redis-sweep.ts";
import {
  DATACENTER_REPORTER_PREFIX,
  type Reporter,
  type ViewerCount,
  type ViewerCounts,
  type ViewerTotal,
} from "./viewer-counts.ts";

const COUNTS_PER_SLICE = 2000;

export interface RedisViewerCountsOptions {
  readonly sweepMs?: number;
  /** Default: the steady one. */
  readonly clock?: Clock;
  /**
   * While the store is not whole, a total that this process does not know is `undefined`, and not
   * what the store has of it by now. Default: false.
   */
  readonly withholds?: boolean;
}

/** `close` leaves the connection open: its opener closes it. */
export class RedisViewerCounts implements ViewerCounts {
  readonly #store: RedisStore;
  readonly #rowPrefix: string;
  readonly #leases: RedisLeases;
  readonly #sweep: RedisSweep;
  readonly #held: HeldTotals;
  /** Data centres seen so far: a few, by configuration. */
  readonly #datacenters = new Set<string>();

  constructor(store: RedisStore, options: RedisViewerCountsOptions = {}) {
    this.#store = store;
    this.#rowPrefix = `${store.prefix}:v:`;
    this.#leases = new RedisLeases(store, "viewers");
    this.#sweep = new RedisSweep({
      store,
      leases: this.#leases,
      rowPrefix: this.#rowPrefix,
      tickMs: options.sweepMs,
    });
    this.#held = new HeldTotals(options.clock ?? steadyClock, options.withholds ?? false);
  }

  async report(reporter: Reporter, counts: readonly ViewerCount[], ttlMs: number): Promise<void> {
    // The lease first: the numbers that follow are not swept then.
    await this.#store.run("report", 2, async () =>
      this.#leases.renew(reporter, ttlMs, await readIdentity(this.#store), ""),
    );
    // Two equal numbers of two incarnations of a reporter must differ, or sweeping the first could
    // remove the second.
    const mark = randomBytes(3).toString("hex");
    for (let start = 0; start < counts.length; start += COUNTS_PER_SLICE) {
      const slice = counts.slice(start, start + COUNTS_PER_SLICE);
      await this.#store.run("report", slice.length, () =>
        Promise.all(slice.map((count) => this.#write(reporter, count, mark, ttlMs))),
      );
    }
  }

  release(reporter: Reporter): Promise<void> {
    return this.#store.run("release", 1, () => this.#leases.release(reporter));
  }

  totals(topics: readonly Topic[]): Promise<readonly (ViewerTotal | undefined)[]> {
    const commands = topics.length * (1 + this.#datacenters.size) + 2;
    return this.#store.run("totals", commands, () => this.#readTotals(topics));
  }

  async close(): Promise<void> {
    this.#sweep.close();
  }

  async #readTotals(topics: readonly Topic[]): Promise<readonly (ViewerTotal | undefined)[]> {
    const keys = topics.map((topic) => this.#rowPrefix + topic);
    const [live, elsewhere, ...rows] = await Promise.all([
      this.#leases.live(),
      this.#readRemote(topics, [...this.#datacenters]),
      ...keys.map((key) => this.#store.client.hgetall(key)),
    ]);
    const added = [...live.keys()].filter(
      (name) => name.startsWith(DATACENTER_REPORTER_PREFIX) && !this.#datacenters.has(name),
    );
    const more = added.length === 0 ? [] : await this.#readRemote(topics, added);
    for (const name of added) this.#datacenters.add(name);
    const summed = rows.map((numbers, index) => {
      const local = this.#sum(keys[index] ?? "", numbers, live);
      return { local, all: local + (elsewhere[index] ?? 0) + (more[index] ?? 0) };
    });
    // After the rows: a loss in between is seen too early, and not too late.
    return this.#held.answer(await readLife(this.#store), topics, summed);
  }

  /** The sum of these data centres' numbers per topic. */
  async #readRemote(
    topics: readonly Topic[],
    names: readonly string[],
  ): Promise<readonly number[]> {
    const values = await Promise.all(
      topics.map((topic) =>
        Promise.all(names.map((name) => this.#store.client.get(this.#remoteKey(name, topic)))),
      ),
    );
    return values.map((found) => found.reduce((viewers, value) => viewers + Number(value ?? 0), 0));
  }

  #sum(
    topicKey: string,
    numbers: Record<string, string>,
    live: ReadonlyMap<string, string>,
  ): number {
    let viewers = 0;
    for (const [reporter, value] of Object.entries(numbers)) {
      if (live.has(reporter)) viewers += Number.parseInt(value, 10);
      else this.#sweep.seen(topicKey, reporter);
    }
    return viewers;
  }

  #write(
    reporter: Reporter,
    { topic, viewers }: ViewerCount,
    mark: string,
    ttlMs: number,
  ): Promise<unknown> {
    const { client } = this.#store;
    const rounded = Math.round(viewers);
    if (!reporter.startsWith(DATACENTER_REPORTER_PREFIX)) {
      return rounded > 0
        ? client.hset(this.#rowPrefix + topic, reporter, `${rounded} ${mark}`)
        : client.hdel(this.#rowPrefix + topic, reporter);
    }
    const key = this.#remoteKey(reporter, topic);
    return rounded > 0 ? client.set(key, rounded, "PX", Math.ceil(ttlMs)) : client.del(key);
  }

  #remoteKey(reporter: Reporter, topic: Topic): string {
    return `${this.#store.prefix}:${reporter}:${topic}`;
  }
}
