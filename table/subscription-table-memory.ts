/**
 * The subscription table of one process: maps. For `ovation start`, for tests and the simulation.
 *
 * Staleness: none. A lease that has run out stops counting at that moment, by the clock given.
 */

import { randomUUID } from "node:crypto";
import type { Clock, FrontendId, Topic } from "@ovation/protocol";
import type {
  FrontendAddress,
  LeaseMark,
  SubscriptionChange,
  SubscriptionTable,
} from "./subscription-table.ts";

interface Lease {
  readonly address: FrontendAddress;
  readonly mark: LeaseMark;
  readonly expiresAt: number;
}

/** Dead frontends that are kept; over it the oldest are evicted, with their rows. */
export const GONE_MAX = 10_000;

export class MemorySubscriptionTable implements SubscriptionTable {
  readonly #clock: Clock;
  /** topic → frontend → generation of the change that wrote the row */
  readonly #rows = new Map<Topic, Map<FrontendId, number>>();
  readonly #leases = new Map<FrontendId, Lease>();
  /**
   * Frontends whose lease ended. (The rows of a frontend without a lease so far do not count, but
   * stay: it may be restoring them in an emptied table.)
   */
  readonly #gone = new Set<FrontendId>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Topics with at least one row, for metrics and for tests that look for leaks. */
  get topicCount(): number {
    return this.#rows.size;
  }

  async renew(frontend: FrontendAddress, ttlMs: number): Promise<LeaseMark> {
    const mark = this.#running(frontend.id)?.mark ?? randomUUID();
    this.#gone.delete(frontend.id);
    const expiresAt = this.#clock.now() + ttlMs;
    this.#leases.set(frontend.id, { address: frontend, mark, expiresAt });
    return mark;
  }

  async release(frontend: FrontendId): Promise<void> {
    this.#end(frontend);
  }

  async change(frontend: FrontendId, changes: readonly SubscriptionChange[]): Promise<void> {
    for (const { topic, subscribed, generation } of changes) {
      const row = this.#rows.get(topic);
      if (row !== undefined && (row.get(frontend) ?? 0) > generation) continue;
      if (!subscribed) {
        if (row !== undefined) this.#remove(topic, row, frontend);
      } else if (row === undefined) {
        this.#rows.set(topic, new Map([[frontend, generation]]));
      } else {
        row.set(frontend, generation);
      }
    }
  }

  async lookup(topics: readonly Topic[]): Promise<readonly (readonly FrontendAddress[])[]> {
    return topics.map((topic) => this.#lookupOne(topic));
  }

  async close(): Promise<void> {
    this.#rows.clear();
    this.#leases.clear();
    this.#gone.clear();
  }

  #lookupOne(topic: Topic): readonly FrontendAddress[] {
    const row = this.#rows.get(topic);
    if (row === undefined) return [];
    const found: FrontendAddress[] = [];
    for (const frontend of row.keys()) {
      const address = this.#running(frontend)?.address;
      // Rows of the dead are removed when a lookup meets them, without a walk over the table. A
      // frontend that returns learns from `renew` that it has to restore its rows.
      if (address !== undefined) found.push(address);
      else if (this.#gone.has(frontend)) this.#remove(topic, row, frontend);
    }
    return found;
  }

  #running(frontend: FrontendId): Lease | undefined {
    const lease = this.#leases.get(frontend);
    if (lease === undefined) return undefined;
    if (lease.expiresAt > this.#clock.now()) return lease;
    this.#end(frontend);
    return undefined;
  }

  #end(frontend: FrontendId): void {
    if (!this.#leases.delete(frontend)) return;
    this.#gone.add(frontend);
    for (const oldest of this.#gone) {
      if (this.#gone.size <= GONE_MAX) break;
      this.#gone.delete(oldest);
      for (const [topic, row] of this.#rows) if (row.has(oldest)) this.#remove(topic, row, oldest);
    }
  }

  #remove(topic: Topic, row: Map<FrontendId, number>, frontend: FrontendId): void {
    row.delete(frontend);
    if (row.size === 0) this.#rows.delete(topic);
  }
}
