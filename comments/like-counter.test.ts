import { describe, expect, test } from "bun:test";
import type { Event } from "@ovation/protocol";
import { LikeCounter } from "./like-counter.ts";
import { createSharedReads } from "./shared-reads.ts";
import { StoreUnavailableError } from "./sql-database.ts";
import { createManualClock } from "./testing/manual-clock.ts";
import type { VideoStore } from "./video-store.ts";
import { openSqliteVideoStore } from "./video-store-sql.ts";

describe("like counter", () => {
  test("likes go out at once after a quiet time, then every 250 ms at most, with the exact total", async () => {
    const clock = createManualClock();
    const events: Event[] = [];
    const likes = new LikeCounter({
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
      async addLikes(changes, now, flush) {
        if (down) throw new StoreUnavailableError("down");
        return real.addLikes(changes, now, flush);
      },
    };
    const events: Event[] = [];
    let failures = 0;
    const likes = new LikeCounter({
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

/** A store whose answers to `addLikes` are what `answer` makes of them. */
function storeWith(answer: (run: () => Promise<readonly object[]>) => Promise<readonly object[]>) {
  const real = openSqliteVideoStore({ path: ":memory:" });
  const store: VideoStore = {
    ...real,
    addLikes: (changes, now, flush) =>
      answer(() => real.addLikes(changes, now, flush)) as ReturnType<VideoStore["addLikes"]>,
  };
  return { real, store };
}

describe("likes that the store may or may not have", () => {
  test("a commit whose answer is lost is counted once: the total is exact, and never falls", async () => {
    const clock = createManualClock();
    let lost = true;
    const { real, store } = storeWith(async (run) => {
      const totals = await run();
      if (lost) throw new StoreUnavailableError("the answer is lost");
      return totals;
    });
    const totals: number[] = [];
    const likes = new LikeCounter({
      store,
      clock,
      elapsed: () => clock.now(),
      push: ({ data }) => totals.push(JSON.parse(data as string).total.like),
      onFailure: () => undefined,
    });
    for (let round = 0; round < 20; round++) {
      lost = round % 4 !== 3;
      await likes.like("a", "like", 1);
      await clock.advance(300);
    }
    lost = false;
    await clock.advance(600);
    expect((await real.read(["a"]))[0]?.likes).toEqual({ like: 20 });
    expect(totals).toEqual(totals.toSorted((a, b) => a - b));
    expect(totals.at(-1)).toBe(20);
  });

  test("a like that is not stored within two seconds stops further ones, until it is", async () => {
    const clock = createManualClock();
    let down = true;
    const { store } = storeWith((run) =>
      down ? Promise.reject(new StoreUnavailableError("down")) : run(),
    );
    const likes = new LikeCounter({
      store,
      clock,
      elapsed: () => clock.now(),
      push: () => undefined,
      onFailure: () => undefined,
    });
    await likes.like("a", "like", 1);
    await clock.advance(1_900);
    await likes.like("a", "like", 1);
    await clock.advance(200);
    await expect(likes.like("a", "like", 1)).rejects.toMatchObject({ code: "unavailable" });
    await expect(likes.like("b", "like", 1)).rejects.toMatchObject({ code: "unavailable" });
    down = false;
    await clock.advance(300);
    expect(await likes.like("a", "like", 1)).toEqual({ like: 3 });
  });

  test("a store that never answers is not waited for: a stop says what is lost", async () => {
    const { store } = storeWith(() => new Promise(() => undefined));
    const clock = createManualClock();
    const likes = new LikeCounter({
      store,
      clock,
      elapsed: () => clock.now(),
      push: () => undefined,
      onFailure: () => undefined,
    });
    await likes.like("a", "like", 2);
    await clock.advance(300);
    await likes.like("b", "love", 3);
    const closed = likes.close();
    await clock.advance(5_100);
    expect(await closed).toEqual({ likes: 5, videos: 2 });
  });

  test("a stop waits for a store that comes back, and loses nothing", async () => {
    const clock = createManualClock();
    let down = true;
    const { real, store } = storeWith((run) =>
      down ? Promise.reject(new StoreUnavailableError("down")) : run(),
    );
    const likes = new LikeCounter({
      store,
      clock,
      elapsed: () => clock.now(),
      push: () => undefined,
      onFailure: () => undefined,
    });
    await likes.like("a", "like", 2);
    const closed = likes.close();
    for (let step = 0; step < 8; step++) {
      await Bun.sleep(0);
      await clock.advance(250);
      down = step < 4;
    }
    expect(await closed).toEqual({ likes: 0, videos: 0 });
    expect((await real.read(["a"]))[0]?.likes).toEqual({ like: 2 });
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
