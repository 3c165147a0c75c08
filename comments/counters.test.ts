import { describe, expect, test } from "bun:test";
import type { Event } from "@ovation/protocol";
import { createCounters } from "./counters.ts";
import { createSharedReads } from "./shared-reads.ts";
import { StoreUnavailableError } from "./sql-database.ts";
import { createManualClock } from "./testing/manual-clock.ts";
import type { VideoStore } from "./video-store.ts";
import { openSqliteVideoStore } from "./video-store-sql.ts";

describe("counters", () => {
  test("likes go out at once after a quiet time, then every 250 ms at most, with the exact total", async () => {
    const clock = createManualClock();
    const events: Event[] = [];
    const counters = createCounters({
      store: openSqliteVideoStore({ path: ":memory:" }),
      clock,
      push: (event) => events.push(event),
      onFailure: (error) => {
        throw error;
      },
    });
    await counters.like("a", "like", 1);
    await counters.like("a", "like", 2);
    await clock.advance(20);
    expect(events.map(({ data }) => data as string)).toEqual(['{"like":3,"total":{"like":3}}']);
    await counters.like("a", "love", 1);
    await clock.advance(200);
    expect(events).toHaveLength(1);
    await clock.advance(100);
    expect(events[1]?.data as string).toBe('{"love":1,"total":{"like":3,"love":1}}');
    counters.comment("a", 1);
    await clock.advance(1_000);
    expect(events).toHaveLength(2);
  });

  test("a store that fails for a while loses nothing", async () => {
    const clock = createManualClock();
    const real = openSqliteVideoStore({ path: ":memory:" });
    let down = true;
    const store: VideoStore = {
      ...real,
      async add(changes, now) {
        if (down) throw new StoreUnavailableError("down");
        return real.add(changes, now);
      },
    };
    const events: Event[] = [];
    let failures = 0;
    const counters = createCounters({ store, clock, push: (event) => events.push(event), onFailure: () => failures++ });
    await counters.like("a", "like", 1);
    await clock.advance(300);
    expect((await counters.like("a", "like", 2)).like).toBe(3);
    await clock.advance(600);
    expect(failures).toBeGreaterThan(1);
    down = false;
    await clock.advance(300);
    expect(events.map(({ data }) => data as string)).toEqual(['{"like":3,"total":{"like":3}}']);
    await counters.close();
  });
});

describe("shared reads", () => {
  test("thousands who ask together cost a few reads, and none is older than its question", async () => {
    const clock = createManualClock();
    const reads = createSharedReads<number>(clock);
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
