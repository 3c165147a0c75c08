/** Viewer counts of one process: maps. */

import type { Clock, Topic } from "@ovation/protocol";
import {
  DATACENTER_REPORTER_PREFIX,
  type Reporter,
  type ViewerCounts,
  type ViewerTotal,
} from "./viewer-counts.ts";

export interface MemoryViewerCountsOptions {
  readonly clock: Clock;
}

/** Never loses a row, so it always knows. */
export interface MemoryViewerCounts extends ViewerCounts {
  totals(topics: readonly Topic[]): Promise<readonly ViewerTotal[]>;
}

interface Reported {
  readonly viewers: number;
  /** When the number expires; a frontend's expires with its frontend. */
  readonly expiresAt: number;
}

export function createMemoryViewerCounts({ clock }: MemoryViewerCountsOptions): MemoryViewerCounts {
  const topics = new Map<Topic, Map<Reporter, Reported>>();
  const leases = new Map<Reporter, number>();

  function isAlive(reporter: Reporter): boolean {
    const until = leases.get(reporter);
    if (until === undefined || until > clock.now()) return until !== undefined;
    leases.delete(reporter);
    return false;
  }

  function set(topic: Topic, reporter: Reporter, reported: Reported): void {
    const numbers = topics.get(topic);
    if (reported.viewers > 0) {
      if (numbers === undefined) topics.set(topic, new Map([[reporter, reported]]));
      else numbers.set(reporter, reported);
    } else if (numbers?.delete(reporter) === true && numbers.size === 0) {
      topics.delete(topic);
    }
  }

  function total(topic: Topic): ViewerTotal {
    let local = 0;
    let all = 0;
    for (const [reporter, { viewers, expiresAt }] of topics.get(topic) ?? []) {
      if (!isAlive(reporter) || expiresAt <= clock.now()) {
        set(topic, reporter, { viewers: 0, expiresAt });
        continue;
      }
      all += viewers;
      if (!reporter.startsWith(DATACENTER_REPORTER_PREFIX)) local += viewers;
    }
    return { local, all };
  }

  return {
    async report(reporter, counts, ttlMs) {
      const until = clock.now() + ttlMs;
      leases.set(reporter, until);
      const expiresAt = reporter.startsWith(DATACENTER_REPORTER_PREFIX)
        ? until
        : Number.POSITIVE_INFINITY;
      for (const { topic, viewers } of counts) set(topic, reporter, { viewers, expiresAt });
    },
    async release(reporter) {
      leases.delete(reporter);
    },
    async totals(asked) {
      return asked.map(total);
    },
    async close() {
      topics.clear();
      leases.clear();
    },
  };
}
