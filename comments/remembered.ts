/** Values of a store that are looked up for every comment, remembered for a moment (`Recent`). */

import { type Clock, Recent } from "@ovation/protocol";

export interface RememberedOptions<Value> {
  readonly clock: Clock;
  readonly ageMs: number;
  readonly keptMax: number;
  load(key: string): Promise<Value>;
  /** Loads that fail like this, where the value before counts for so much longer. Default: none. */
  readonly outlives?: { readonly ms: number; isSo(error: unknown): boolean };
}

export interface Remembered<Value> {
  /** At once where it is known; those who ask meanwhile share one load. */
  get(key: string): Value | Promise<Value>;
  /** The next `get` loads again. */
  forget(key: string): void;
}

interface Kept<Value> {
  readonly until: number;
  loading: Promise<Value> | undefined;
  loaded: { readonly value: Value } | undefined;
}

export function createRemembered<Value>(options: RememberedOptions<Value>): Remembered<Value> {
  const { clock, ageMs, outlives } = options;
  const kept = new Recent<Kept<Value>>(clock, {
    ageMs: ageMs + (outlives?.ms ?? 0),
    entriesMax: options.keptMax,
  });

  function load(key: string): Promise<Value> {
    const before = kept.get(key)?.loaded;
    const loading = options.load(key).catch((error: unknown) => {
      if (before === undefined || outlives?.isSo(error) !== true) throw error;
      return before.value;
    });
    const entry: Kept<Value> = { until: clock.now() + ageMs, loading, loaded: undefined };
    kept.set(key, entry);
    loading.then(
      (value) => {
        entry.loaded = { value };
        entry.loading = undefined;
      },
      // Those who asked get the error; the next one tries again.
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
      return entry.loaded === undefined ? (entry.loading ?? load(key)) : entry.loaded.value;
    },
    forget(key) {
      kept.delete(key);
    },
  };
}
