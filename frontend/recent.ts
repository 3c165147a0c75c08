/** Values of the last few seconds, bounded by their number and by what they weigh. */

import type { Clock } from "@ovation/protocol";

interface Entry<Value> {
  readonly value: Value;
  readonly weight: number;
  readonly until: number;
}

export interface RecentLimits {
  readonly ageMs: number;
  readonly entriesMax: number;
  /** Of all weights together. One that is heavier by itself is not kept. */
  readonly weightMax?: number;
}

export class Recent<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #clock: Clock;
  readonly #limits: RecentLimits;
  #weight = 0;

  constructor(clock: Clock, limits: RecentLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get(key: string): Value | undefined {
    const known = this.#entries.get(key);
    return known !== undefined && known.until > this.#clock.now() ? known.value : undefined;
  }

  set(key: string, value: Value, weight = 0): void {
    const { ageMs, entriesMax, weightMax = Number.POSITIVE_INFINITY } = this.#limits;
    const now = this.#clock.now();
    this.#delete(key);
    this.#entries.set(key, { value, weight, until: now + ageMs });
    this.#weight += weight;
    for (const [old, { until }] of this.#entries) {
      if (this.#entries.size <= entriesMax && this.#weight <= weightMax && until > now) break;
      this.#delete(old);
    }
  }

  #delete(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }
}
