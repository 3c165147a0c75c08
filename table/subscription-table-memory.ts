/**
 * The subscription table of one process: maps. For `ovation start`, for tests and the simulation.
 *
 * Staleness: none. A lease that has run out stops counting at that moment, by the clock given.
 */

import { randomUUID } from "node:crypto";
import type { Clock, FrontendId, Topic } from "@ovation/protocol";
import type { FrontendAddress, LeaseMark, SubscriptionTable } from "./subscription-table.ts";

interface Lease {
  readonly address: FrontendAddress;
  readonly mark: LeaseMark;
  readonly expiresAt: number;
}

export interface MemoryTable extends SubscriptionTable {
  /** Topics with at least one row, for metrics and for tests that look for leaks. */
  readonly topicCount: number;
}

export interface MemoryTableOptions {
  readonly clock: Clock;
}

/** Dead frontends that are kept; over it the oldest are evicted, with their rows. */
export const GONE_MAX = 10_000;

export function createMemoryTable({ clock }: MemoryTableOptions): MemoryTable {
  /** topic → frontend → generation of the change that wrote the row */
  const rows = new Map<Topic, Map<FrontendId, number>>();
  const leases = new Map<FrontendId, Lease>();
  /**
   * Frontends whose lease ended. (The rows of a frontend without a lease so far do not count, but
   * stay: it may be restoring them in an emptied table.)
   */
  const gone = new Set<FrontendId>();

  function end(frontend: FrontendId): void {
    if (!leases.delete(frontend)) return;
    gone.add(frontend);
    for (const oldest of gone) {
      if (gone.size <= GONE_MAX) break;
      gone.delete(oldest);
      for (const [topic, row] of rows) if (row.has(oldest)) remove(topic, row, oldest);
    }
  }

  function running(frontend: FrontendId): Lease | undefined {
    const lease = leases.get(frontend);
    if (lease === undefined) return undefined;
    if (lease.expiresAt > clock.now()) return lease;
    end(frontend);
    return undefined;
  }

  function remove(topic: Topic, row: Map<FrontendId, number>, frontend: FrontendId): void {
    row.delete(frontend);
    if (row.size === 0) rows.delete(topic);
  }

  function lookupOne(topic: Topic): readonly FrontendAddress[] {
    const row = rows.get(topic);
    if (row === undefined) return [];
    const found: FrontendAddress[] = [];
    for (const frontend of row.keys()) {
      const address = running(frontend)?.address;
      // Rows of the dead are removed when a lookup meets them, without a walk over the table. A
      // frontend that returns learns from `renew` that it has to restore its rows.
      if (address !== undefined) found.push(address);
      else if (gone.has(frontend)) remove(topic, row, frontend);
    }
    return found;
  }

  return {
    async renew(frontend, ttlMs) {
      const mark = running(frontend.id)?.mark ?? randomUUID();
      gone.delete(frontend.id);
      leases.set(frontend.id, { address: frontend, mark, expiresAt: clock.now() + ttlMs });
      return mark;
    },

    async release(frontend) {
      end(frontend);
    },

    async change(frontend, changes) {
      for (const { topic, subscribed, generation } of changes) {
        const row = rows.get(topic);
        if (row !== undefined && (row.get(frontend) ?? 0) > generation) continue;
        if (!subscribed) {
          if (row !== undefined) remove(topic, row, frontend);
        } else if (row === undefined) {
          rows.set(topic, new Map([[frontend, generation]]));
        } else {
          row.set(frontend, generation);
        }
      }
    },

    async lookup(topics) {
      return topics.map(lookupOne);
    },

    async close() {
      rows.clear();
      leases.clear();
      gone.clear();
    },

    get topicCount() {
      return rows.size;
    },
  };
}
