import { describe, expect, test } from "bun:test";
import type { Event } from "@ovation/protocol";
import { createLikeCounter } from "./like-counter.ts";
import { createSharedReads } from "./shared-reads.ts";
import { StoreUnavailableError } from "./sql-database.ts";
import { createManualClock } from "./testing/manual-clock.ts";
import type { VideoStore } from "./video-store.ts";
import { openSqliteVideoStore } from "./video-store-sql.ts";

describe("like counter", () => {
  test("likes go out at once after a quiet time, then every 250 ms at most, with the exact total", async () => {
    const clock = createManualClock();
    const events: Event[] = [];
    const likes = createLikeCounter({
      store: openSqliteVideoStore({ path: ":memory:" }),
      clock,
      push: (event) => events.push(event),
      onFailure: (error) => {
        throw error;
      },
    });
    await likes.like("a", "like", 1);
    await likes.like("a", "like", 2);
    await clock.advance(20);
    expect(events.map(({ data }) => data as string)).toEqual(['{"like":3,"total":{"like":3}}']);
    await likes.like("a", "love", 1);
    await clock.advance(200);
    expect(events).toHaveLength(1);
    await clock.advance(100);
    expect(events[1]?.data as string).toBe('{"love":1,"total":{"like":3,"love":1}}');
  });

  test("a store that fails for a while loses nothing, and meanwhile likes go out once, with what is known of the total", async () => {
    const clock = createManualClock();
    const real = openSqliteVideoStore({ path: ":memory:" });
    let down = true;
    const store: VideoStore = {
      ...real,
      async addLikes(changes, now) {
        if (down) throw new StoreUnavailableError("down");
        return real.addLikes(changes, now);
      },
    };
    const events: Event[] = [];
    let failures = 0;
    const likes = createLikeCounter({
      store,
      clock,
      push: (event) => events.push(event),
      onFailure: () => failures++,
    });
    await likes.like("a", "like", 1);
    await clock.advance(300);
    expect((await likes.like("a", "like", 2)).like).toBe(3);
    await clock.advance(600);
    expect(failures).toBeGreaterThan(1);
    down = false;
    await clock.advance(300);
    expect(events.map(({ data }) => data as string)).toEqual([
      '{"like":1,"total":{"like":1}}',
      '{"like":2,"total":{"like":3}}',
      // Stored: the total is everybody's again.
      '{"total":{"like":3}}',
    ]);
    await likes.like("a", "like", 4);
    await clock.advance(300);
    expect(events.at(-1)?.data as string).toBe('{"like":4,"total":{"like":7}}');
    await likes.close();
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
