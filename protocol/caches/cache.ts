/** A cache: values that expire, bounded by age, by number and by weight. */

import type { Clock } from "../requests/route.ts";

interface Entry<Value> {
  readonly value: Value;
  readonly weight: number;
  readonly until: number;
}

export interface CacheLimits {
  readonly ageMs: number;
  readonly entriesMax: number;
  /** Of all weights together. An entry that exceeds it alone is not kept. */
  readonly weightMax?: number;
}

/** Stale entries evicted in one step, so that the end of a burst does not block the process. */
const STEP_ENTRIES_MAX = 2_000;
const STEP_PAUSE_MS = 5;

/**
 * All entries have the same age limit, so their order is their age: the oldest are evicted first.
 * One timer, only while there are entries, evicts stale ones when no values come: an entry is gone
 * after twice its age at most.
 */
export class Cache<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #clock: Clock;
  readonly #limits: CacheLimits;
  #weight = 0;
  #isTimed = false;

  constructor(clock: Clock, limits: CacheLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Including stale entries that are not evicted yet. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const known = this.#entries.get(key);
    return known !== undefined && known.until > this.#clock.now() ? known.value : undefined;
  }

  set(key: string, value: Value, weight = 0): void {
    const { ageMs, entriesMax, weightMax = Number.POSITIVE_INFINITY } = this.#limits;
    const now = this.#clock.now();
    this.delete(key);
    this.#entries.set(key, { value, weight, until: now + ageMs });
    this.#weight += weight;
    for (const old of this.#entries.keys()) {
      if (this.#entries.size <= entriesMax && this.#weight <= weightMax) break;
      this.delete(old);
    }
    if (this.#entries.size > 0 && !this.#isTimed) this.#evictAfter(ageMs);
  }

  delete(key: string): void {
    const known = this.#entries.get(key);
    if (known === undefined) return;
    this.#weight -= known.weight;
    this.#entries.delete(key);
  }

  #evictAfter(ms: number): void {
    this.#isTimed = true;
    this.#clock.after(
      ms,
      () => {
        this.#isTimed = false;
        const isMore = this.#evictStale();
        if (this.#entries.size > 0) this.#evictAfter(isMore ? STEP_PAUSE_MS : this.#limits.ageMs);
      },
      true,
    );
  }

  /** Returns whether more are stale. */
  #evictStale(): boolean {
    const now = this.#clock.now();
    let evicted = 0;
    for (const [key, { until }] of this.#entries) {
      if (until > now) return false;
      if (evicted++ === STEP_ENTRIES_MAX) return true;
      this.delete(key);
    }
    return false;
  }
}
