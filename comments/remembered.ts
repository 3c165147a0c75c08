/** Values of a store that are looked up for every comment, remembered for a moment. Bounded; the oldest go first. */

import type { Clock } from "@ovation/protocol";

export interface RememberedOptions<Value> {
  readonly clock: Clock;
  readonly ageMs: number;
  readonly keptMax: number;
  load(key: string): Promise<Value>;
  /** Whether what was known before goes on counting where a load fails like this. Default: never. */
  outlives?(error: unknown): boolean;
}

export interface Remembered<Value> {
  /** At once where it is known; those who ask meanwhile share one load. */
  get(key: string): Value | Promise<Value>;
  /** The next `get` loads anew. */
  forget(key: string): void;
}

interface Kept<Value> {
  readonly until: number;
  readonly loading: Promise<Value>;
  loaded: { readonly value: Value } | undefined;
}

export function createRemembered<Value>(options: RememberedOptions<Value>): Remembered<Value> {
  const { clock } = options;
  const kept = new Map<string, Kept<Value>>();

  function load(key: string): Promise<Value> {
    const before = kept.get(key)?.loaded;
    kept.delete(key);
    if (kept.size >= options.keptMax) {
      const oldest = kept.keys().next().value;
      if (oldest !== undefined) kept.delete(oldest);
    }
    const loading = options.load(key).catch((error: unknown) => {
      if (before === undefined || options.outlives?.(error) !== true) throw error;
      return before.value;
    });
    const entry: Kept<Value> = { until: clock.now() + options.ageMs, loading, loaded: undefined };
    kept.set(key, entry);
    loading.then(
      (value) => {
        entry.loaded = { value };
      },
      // Whoever asked gets the error; the next one tries again.
      () => {
        if (kept.get(key) === entry) kept.delete(key);
      },
    );
    return loading;
  }

  return {
    get(key) {
      const entry = kept.get(key);
      if (entry === undefined || entry.until <= clock.now()) return load(key);
      return entry.loaded === undefined ? entry.loading : entry.loaded.value;
    },
    forget(key) {
      kept.delete(key);
    },
  };
}
