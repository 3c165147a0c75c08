/** Viewer counts of one process: maps. */

import type { Clock, Topic } from "@ovation/protocol";
import { DATACENTER_REPORTER_PREFIX, type Reporter, type ViewerCounts, type ViewerTotal } from "./viewer-counts.ts";

export interface MemoryViewerCountsOptions {
  readonly clock: Clock;
}

export function createMemoryViewerCounts({ clock }: MemoryViewerCountsOptions): ViewerCounts {
  const topics = new Map<Topic, Map<Reporter, number>>();
  const expiries = new Map<Reporter, number>();

  function isAlive(reporter: Reporter): boolean {
    return (expiries.get(reporter) ?? 0) > clock.now();
  }

  function set(topic: Topic, reporter: Reporter, viewers: number): void {
    const numbers = topics.get(topic);
    if (viewers > 0) {
      if (numbers === undefined) topics.set(topic, new Map([[reporter, viewers]]));
      else numbers.set(reporter, viewers);
    } else if (numbers?.delete(reporter) === true && numbers.size === 0) {
      topics.delete(topic);
    }
  }

  function total(topic: Topic): ViewerTotal {
    let local = 0;
    let all = 0;
    for (const [reporter, viewers] of topics.get(topic) ?? []) {
      if (!isAlive(reporter)) {
        set(topic, reporter, 0);
        continue;
      }
      all += viewers;
      if (!reporter.startsWith(DATACENTER_REPORTER_PREFIX)) local += viewers;
    }
    return { local, all };
  }

  return {
    async report(reporter, counts, ttlMs) {
      const alive = isAlive(reporter);
      expiries.set(reporter, clock.now() + ttlMs);
      for (const { topic, viewers } of counts) set(topic, reporter, viewers);
      return alive;
    },
    async release(reporter) {
      expiries.delete(reporter);
    },
    async totals(asked) {
      return asked.map(total);
    },
    async close() {
      topics.clear();
      expiries.clear();
    },
  };
}
