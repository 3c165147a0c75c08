import { describe, expect, test } from "bun:test";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import { LoadingCache, type LoadingCacheOptions } from "./loading-cache.ts";

const AGE_MS = 1_000;
const STALE_MS = 10_000;
const refused = new Error("refused");
const unreachable = new Error("unreachable");

function open(options: Partial<LoadingCacheOptions<number>> = {}) {
  const clock = createManualClock();
  const state = { loads: 0, error: undefined as Error | undefined };
  const cache = new LoadingCache<number>(clock, {
    ageMs: AGE_MS,
    entriesMax: 10,
    stale: { ms: STALE_MS, isServedAt: (error) => error === unreachable },
    async load() {
      state.loads++;
      if (state.error !== undefined) throw state.error;
      return state.loads;
    },
    ...options,
  });
  return { clock, cache, state, get: async () => cache.get("a") };
}

describe("a loading cache", () => {
  test("loads once for concurrent calls, and answers without a promise from then on", async () => {
    const { cache, state, clock } = open();
    expect(await Promise.all([cache.get("a"), cache.get("a")])).toEqual([1, 1]);
    expect(cache.get("a")).toBe(1);
    clock.advanceNow(AGE_MS - 1);
    expect(cache.get("a")).toBe(1);
    clock.advanceNow(1);
    expect(await cache.get("a")).toBe(2);
    expect(state.loads).toBe(2);
  });

  test("a failed load rejects for its callers, and the next call loads again", async () => {
    const { cache, state, get } = open();
    state.error = refused;
    await expect(get()).rejects.toBe(refused);
    state.error = undefined;
    expect(await get()).toBe(2);
    expect(cache.get("a")).toBe(2);
  });

  test("a deleted value is loaded again, also while its load is in flight", async () => {
    const { cache, get } = open();
    const first = get();
    cache.delete("a");
    expect(await get()).toBe(2);
    expect(await first).toBe(1);
    await settle();
    expect(cache.get("a")).toBe(2);
  });

  test("at the errors that it names, a stale value counts for its time and no longer", async () => {
    const { clock, state, get } = open();
    await get();
    state.error = unreachable;
    // Calls meanwhile do not extend the time.
    for (let passed = 0; passed < STALE_MS; passed += AGE_MS) {
      clock.advanceNow(AGE_MS);
      expect(await get()).toBe(1);
    }
    clock.advanceNow(AGE_MS);
    await expect(get()).rejects.toBe(unreachable);
  });

  test("at other errors, and without a value, it rejects", async () => {
    const { clock, state, get, cache } = open();
    await get();
    clock.advanceNow(AGE_MS);
    state.error = refused;
    await expect(get()).rejects.toBe(refused);
    state.error = unreachable;
    await expect(Promise.resolve(cache.get("b"))).rejects.toBe(unreachable);
  });

  test("over the limit the oldest value is evicted", async () => {
    const { cache, state } = open({ entriesMax: 2 });
    for (const key of ["a", "b", "c"]) await cache.get(key);
    expect(cache.get("c")).toBe(3);
    expect(cache.get("b")).toBe(2);
    expect(await cache.get("a")).toBe(4);
    expect(state.loads).toBe(4);
  });
});
