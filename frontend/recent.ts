/** What was asked for lately: thousands who ask the same at the same time cost one answer. */

import type { Clock } from "@ovation/protocol";

interface Cached<Value> {
  readonly value: Promise<Value>;
  readonly until: number;
}

/** A bounded memory of the last few seconds. */
export class Recent<Value> {
  readonly #entries = new Map<string, Cached<Value>>();
  readonly #clock: Clock;
  readonly #ageMs: number;
  readonly #entriesMax: number;

  constructor(clock: Clock, ageMs: number, entriesMax: number) {
    this.#clock = clock;
    this.#ageMs = ageMs;
    this.#entriesMax = entriesMax;
  }

  get(key: string, make: () => Promise<Value>): Promise<Value> {
    const now = this.#clock.now();
    const known = this.#entries.get(key);
    if (known !== undefined && known.until > now) return known.value;
    const value = make();
    // A failure is not remembered: the next one tries again.
    value.catch(() => this.#entries.delete(key));
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: now + this.#ageMs });
    for (const [old, entry] of this.#entries) {
      if (this.#entries.size <= this.#entriesMax && entry.until > now) break;
      this.#entries.delete(old);
    }
    return value;
  }
}
