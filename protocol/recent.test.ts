import { describe, expect, test } from "bun:test";
import { createManualClock } from "../testing/manual-clock.ts";
import { Recent } from "./recent.ts";

const AGE_MS = 1_000;

function recentOf(limits: { entriesMax?: number; weightMax?: number } = {}) {
  const clock = createManualClock();
  return {
    clock,
    recent: new Recent<number>(clock, { ageMs: AGE_MS, entriesMax: 10_000, ...limits }),
  };
}

describe("a cache", () => {
  test("entries are stale after their age, and evicted even if no value is added", () => {
    const { clock, recent } = recentOf();
    for (let n = 0; n < 5_000; n++) recent.set(`key ${n}`, n);
    expect(recent.get("key 4999")).toBe(4_999);
    clock.advanceNow(AGE_MS);
    expect(recent.get("key 4999")).toBeUndefined();
    clock.advanceNow(AGE_MS);
    expect(recent.size).toBe(0);
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
    const recent = new Recent<number>(counted, { ageMs: AGE_MS, entriesMax: 10 });
    clock.advanceNow(60_000);
    expect(timers).toBe(0);
    recent.set("a", 1);
    clock.advanceNow(60_000);
    expect({ timers, size: recent.size }).toEqual({ timers: 1, size: 0 });
    recent.set("b", 2);
    clock.advanceNow(60_000);
    expect({ timers, size: recent.size }).toEqual({ timers: 2, size: 0 });
  });

  test("an entry set again is fresh, and the oldest are evicted over the limit", () => {
    const { clock, recent } = recentOf({ entriesMax: 3 });
    for (const key of ["a", "b", "c"]) recent.set(key, 1);
    clock.advanceNow(AGE_MS / 2);
    recent.set("a", 2);
    recent.set("d", 1);
    expect(["a", "b", "c", "d"].map((key) => recent.get(key))).toEqual([2, undefined, 1, 1]);
    clock.advanceNow(AGE_MS / 2);
    expect([recent.get("a"), recent.get("c")]).toEqual([2, undefined]);
  });

  test("is bounded by weight, and one that is too heavy is not kept", () => {
    const { recent } = recentOf({ weightMax: 10 });
    recent.set("a", 1, 6);
    recent.set("b", 2, 6);
    expect([recent.get("a"), recent.get("b")]).toEqual([undefined, 2]);
    recent.set("c", 3, 11);
    expect(recent.size).toBe(0);
    recent.set("d", 4, 10);
    recent.set("d", 5, 10);
    expect(recent.get("d")).toBe(5);
  });
});
