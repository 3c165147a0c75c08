/** A cache that loads what it does not have. */

import type { Clock } from "../requests/route.ts";
import { Cache } from "./cache.ts";

export interface LoadingCacheOptions<Value> {
  readonly ageMs: number;
  readonly entriesMax: number;
  load(key: string): Promise<Value>;
  /** The errors of `load` at which a stale value still counts, and for how long. Default: none. */
  readonly stale?: { readonly ms: number; isServedAt(error: unknown): boolean };
}

interface Loaded<Value> {
  readonly value: Value;
  /** Where loading fails, the value counts until then. */
  readonly staleUntil: number;
}

interface Entry<Value> {
  readonly until: number;
  loading: Promise<Value> | undefined;
  loaded: Loaded<Value> | undefined;
}

export class LoadingCache<Value> {
  readonly #clock: Clock;
  readonly #options: LoadingCacheOptions<Value>;
  readonly #entries: Cache<Entry<Value>>;

  constructor(clock: Clock, options: LoadingCacheOptions<Value>) {
    this.#clock = clock;
    this.#options = options;
    this.#entries = new Cache(clock, {
      ageMs: options.ageMs + (options.stale?.ms ?? 0),
      entriesMax: options.entriesMax,
    });
  }

  /** Without a promise where the value is cached. Concurrent calls for one key share one load. */
  get(key: string): Value | Promise<Value> {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.until <= this.#clock.now()) return this.#load(key);
    return entry.loaded === undefined ? (entry.loading ?? this.#load(key)) : entry.loaded.value;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  #load(key: string): Promise<Value> {
    const { ageMs, load, stale } = this.#options;
    const startedAt = this.#clock.now();
    const before = this.#entries.get(key)?.loaded;
    const loading = load(key).then(
      (value) => {
        entry.loaded = { value, staleUntil: startedAt + ageMs + (stale?.ms ?? 0) };
        entry.loading = undefined;
        return value;
      },
      (error: unknown) => {
        const isServed =
          before !== undefined &&
          before.staleUntil > this.#clock.now() &&
          stale?.isServedAt(error) === true;
        if (!isServed) {
          // The callers of this load get the error; the next call loads again.
          if (this.#entries.get(key) === entry) this.#entries.delete(key);
          throw error;
        }
        entry.loaded = before;
        entry.loading = undefined;
        return before.value;
      },
    );
    const entry: Entry<Value> = { until: startedAt + ageMs, loading, loaded: undefined };
    this.#entries.set(key, entry);
    return loading;
  }
}
