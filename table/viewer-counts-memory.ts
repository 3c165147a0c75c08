/** Viewer counts of one process: maps. It loses no row, so it knows every total. */

import type { Clock, Topic } from "@ovation/protocol";
import {
  DATACENTER_REPORTER_PREFIX,
  type Reporter,
  type ViewerCount,
  type ViewerCounts,
  type ViewerTotal,
} from "./viewer-counts.ts";

interface Reported {
  readonly viewers: number;
  /** When the number expires; a frontend's expires with its frontend. */
  readonly expiresAt: number;
}

export class MemoryViewerCounts implements ViewerCounts {
  readonly #clock: Clock;
  readonly #topics = new Map<Topic, Map<Reporter, Reported>>();
  readonly #leases = new Map<Reporter, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async report(reporter: Reporter, counts: readonly ViewerCount[], ttlMs: number): Promise<void> {
    const until = this.#clock.now() + ttlMs;
    this.#leases.set(reporter, until);
    const isDatacenter = reporter.startsWith(DATACENTER_REPORTER_PREFIX);
    const expiresAt = isDatacenter ? until : Number.POSITIVE_INFINITY;
    for (const { topic, viewers } of counts) this.#set(topic, reporter, { viewers, expiresAt });
  }

  async release(reporter: Reporter): Promise<void> {
    this.#leases.delete(reporter);
  }

  async totals(topics: readonly Topic[]): Promise<readonly ViewerTotal[]> {
    return topics.map((topic) => this.#total(topic));
  }

  async close(): Promise<void> {
    this.#topics.clear();
    this.#leases.clear();
  }

  #isAlive(reporter: Reporter): boolean {
    const until = this.#leases.get(reporter);
    if (until === undefined || until > this.#clock.now()) return until !== undefined;
    this.#leases.delete(reporter);
    return false;
  }

  #set(topic: Topic, reporter: Reporter, reported: Reported): void {
    const numbers = this.#topics.get(topic);
    if (reported.viewers > 0) {
      if (numbers === undefined) this.#topics.set(topic, new Map([[reporter, reported]]));
      else numbers.set(reporter, reported);
    } else if (numbers?.delete(reporter) === true && numbers.size === 0) {
      this.#topics.delete(topic);
    }
  }

  #total(topic: Topic): ViewerTotal {
    let [local, all] = [0, 0];
    for (const [reporter, { viewers, expiresAt }] of this.#topics.get(topic) ?? []) {
      if (!this.#isAlive(reporter) || expiresAt <= this.#clock.now()) {
        this.#set(topic, reporter, { viewers: 0, expiresAt });
        continue;
      }
      all += viewers;
      if (!reporter.startsWith(DATACENTER_REPORTER_PREFIX)) local += viewers;
    }
    return { local, all };
  }
}
