import { describe, expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import { Cache } from "./cache.ts";

const AGE_MS = 1_000;

function cacheOf(limits: { entriesMax?: number; weightMax?: number } = {}) {
  const clock = createManualClock();
  return {
    clock,
    cache: new Cache<number>(clock, { ageMs: AGE_MS, entriesMax: 10_000, ...limits }),
  };
}

describe("a cache", () => {
  test("entries are stale after their age, and evicted even if no value is added", () => {
    const { clock, cache } = cacheOf();
    for (let n = 0; n < 5_000; n++) cache.set(`key ${n}`, n);
    expect(cache.get("key 4999")).toBe(4_999);
    clock.advanceNow(AGE_MS);
    expect(cache.get("key 4999")).toBeUndefined();
    clock.advanceNow(AGE_MS);
    expect(cache.size).toBe(0);
  });

  test("needs no timer while it is empty", () => {
    let timers = 0;
    const clock = createManualClock();
    const counted = {
      ...clock,
      after(ms: number, run: () => void) {
        timers++;
        return clock.after(ms, run);
      },
    };
    const cache = new Cache<number>(counted, { ageMs: AGE_MS, entriesMax: 10 });
    clock.advanceNow(60_000);
    expect(timers).toBe(0);
    cache.set("a", 1);
    clock.advanceNow(60_000);
    expect({ timers, size: cache.size }).toEqual({ timers: 1, size: 0 });
    cache.set("b", 2);
    clock.advanceNow(60_000);
    expect({ timers, size: cache.size }).toEqual({ timers: 2, size: 0 });
  });

  test("an entry set again is fresh, and the oldest are evicted over the limit", () => {
    const { clock, cache } = cacheOf({ entriesMax: 3 });
    for (const key of ["a", "b", "c"]) cache.set(key, 1);
    clock.advanceNow(AGE_MS / 2);
    cache.set("a", 2);
    cache.set("d", 1);
    expect(["a", "b", "c", "d"].map((key) => cache.get(key))).toEqual([2, undefined, 1, 1]);
    clock.advanceNow(AGE_MS / 2);
    expect([cache.get("a"), cache.get("c")]).toEqual([2, undefined]);
  });

  test("is bounded by weight, and one that is too heavy is not kept", () => {
    const { cache } = cacheOf({ weightMax: 10 });
    cache.set("a", 1, 6);
    cache.set("b", 2, 6);
    expect([cache.get("a"), cache.get("b")]).toEqual([undefined, 2]);
    cache.set("c", 3, 11);
    expect(cache.size).toBe(0);
    cache.set("d", 4, 10);
    cache.set("d", 5, 10);
    expect(cache.get("d")).toBe(5);
  });
});
