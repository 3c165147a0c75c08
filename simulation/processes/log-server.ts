/**
 * The log of all data centres (PostgreSQL in production): the memory form, reached over the
 * network.
 */

import { type Log, type LogEntry, LogUnavailableError, MemoryLog } from "@ovation/log";
import type { DurableEvent } from "@ovation/protocol";
import { CallError } from "../network.ts";
import { Node, Place } from "../node.ts";
import type { World } from "../world.ts";

const TIMEOUT_MS = 1000;

export class LogServer {
  readonly place: Place;
  readonly #world: World;
  #log: MemoryLog;
  #life = 1;

  constructor(world: World, datacenter: string) {
    this.#world = world;
    this.place = new Place(datacenter, "log", "log");
    const node = new Node(this.place, world.timeline);
    this.#log = new MemoryLog({ clock: node.clock, policy: world.policy, epoch: "life1" });
  }

  /** It is unreachable; everything committed is there when it returns. */
  suspend(): void {
    if (this.place.node !== undefined) this.place.node.alive = false;
  }

  resume(): void {
    if (this.place.node !== undefined) this.place.node.alive = true;
  }

  /**
   * The database is lost and restored from a backup that is some commits old: a new epoch of the
   * log.
   */
  async restore(): Promise<void> {
    const { truth, random, policy } = this.#world;
    const { node } = this.place;
    if (node === undefined) return;
    const restored: DurableEvent[] = [];
    for (const topic of truth.topics) {
      const { events } = await this.#log.read(topic, { after: 0, limit: Number.MAX_SAFE_INTEGER });
      restored.push(...events);
    }
    // A backup is of one moment, over all topics.
    const commits = [...new Set(restored.map(({ place }) => place.stamp))].sort((a, b) => a - b);
    const lost = random.chance(0.5) ? random.integer(0, 5) : random.integer(0, 40);
    const until = commits.at(-1 - Math.min(lost, commits.length - 1)) ?? 0;
    this.#log = new MemoryLog({
      clock: node.clock,
      policy,
      epoch: `life${++this.#life}`,
      restored: restored.filter(({ place }) => place.stamp <= until),
    });
    for (const { topic, seq } of await this.#log.heads(truth.topics)) truth.restored(topic, seq);
  }

  /** Retention. */
  trim(): void {
    const { truth } = this.#world;
    void this.#log.trim(10_000).then(async () => {
      for (const head of await this.#log.heads(truth.topics)) truth.trimmed(head.topic, head.first);
    });
  }

  /** The log as a process calls it. */
  logFor(node: Node): Log {
    return {
      append: (entries) => this.#call(node, () => this.#append(entries)),
      read: (topic, query) => this.#call(node, () => this.#log.read(topic, query)),
      heads: (topics) => this.#call(node, () => this.#log.heads(topics)),
      headAt: (topic, stamp) => this.#call(node, () => this.#log.headAt(topic, stamp)),
      changes: (since, limit) => this.#call(node, () => this.#log.changes(since, limit)),
      wrote: (topic, seq, epoch) => this.#call(node, () => this.#log.wrote(topic, seq, epoch)),
      reached: (moment) => this.#call(node, () => this.#log.reached(moment)),
      tally: (topic, query) => this.#call(node, () => this.#log.tally(topic, query)),
      async close() {},
    };
  }

  async #append(entries: readonly LogEntry[]): ReturnType<Log["append"]> {
    const appended = await this.#log.append(entries);
    entries.forEach((entry, index) => {
      const one = appended[index];
      if (one === undefined || one.duplicate) return;
      this.#world.truth.committed({
        topic: entry.topic,
        type: entry.type,
        at: entry.at,
        data: entry.data,
        place: one.place,
      });
    });
    return appended;
  }

  async #call<Value>(node: Node, work: () => Promise<Value>): Promise<Value> {
    try {
      return await this.#world.network.call(node, this.place, TIMEOUT_MS, work);
    } catch (error) {
      throw error instanceof CallError ? new LogUnavailableError(error.message) : error;
    }
  }
}
