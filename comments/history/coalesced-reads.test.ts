import { describe, expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import {
  COALESCED_READ_KEYS_MAX,
  COALESCED_READ_WINDOW_MS,
  COALESCED_READS_AT_ONCE,
} from "../limits.ts";
import { CoalescedReads } from "./coalesced-reads.ts";

describe("coalesced reads", () => {
  test("COALESCED_READ_KEYS_MAX: past it the oldest key is evicted", async () => {
    const clock = createManualClock();
    const reads = new CoalescedReads<string>(clock);
    let count = 0;
    const get = (key: string) =>
      reads.get(key, async () => {
        count++;
        return key;
      });
    const others = async (from: number, to: number) => {
      for (let n = from; n < to; n++) await get(`other ${n}`);
    };
    for (let read = 0; read < COALESCED_READS_AT_ONCE; read++) await get("a");
    await others(0, COALESCED_READ_KEYS_MAX - 1);
    count = 0;
    const waits = get("a");
    expect(count).toBe(0);
    await clock.advance(COALESCED_READ_WINDOW_MS);
    expect([await waits, count]).toEqual(["a", 1]);
    // The read at the end of the window made "a" the newest key.
    await others(0, COALESCED_READ_KEYS_MAX);
    count = 0;
    expect([await get("a"), count]).toEqual(["a", 1]);
  });

  test("thousands of calls cost a few reads, and none was read before its call", async () => {
    const clock = createManualClock();
    const reads = new CoalescedReads<number>(clock);
    let count = 0;
    let version = 0;
    const read = async () => {
      count++;
      return version;
    };
    const early = Promise.all(Array.from({ length: 3_000 }, () => reads.get("a", read)));
    expect(count).toBe(4);
    version = 1;
    const late = Promise.all(Array.from({ length: 3_000 }, () => reads.get("a", read)));
    await clock.advance(100);
    expect((await late).every((value) => value === 1)).toBe(true);
    expect((await early).length).toBe(3_000);
    expect(count).toBe(5);
    const other = reads.get("b", read);
    expect(await other).toBe(1);
    expect(count).toBe(6);
  });
});
