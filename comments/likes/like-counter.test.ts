import { describe, expect, test } from "bun:test";
import { DatabaseUnavailableError } from "@ovation/database";
import type { Event } from "@ovation/protocol";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import {
  COUNT_FLUSH_VIDEOS_MAX,
  COUNTED_VIDEOS_MAX,
  LIKES_CLOSE_MS_MAX,
  LIKES_UNSTORED_MS_MAX,
  TOTALS_KEPT_MAX,
} from "../limits.ts";
import { unusedVideo, type VideoStore } from "../videos/video-store.ts";
import { openSqliteVideoStore } from "../videos/video-store-sql.ts";
import { LikeCounter } from "./like-counter.ts";

describe("like counter", () => {
  test("likes go out at once after a pause, then every 250 ms, with exact totals", async () => {
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

  test("a failing store loses nothing; likes go out once, with the known total", async () => {
    const clock = createManualClock();
    const real = openSqliteVideoStore({ path: ":memory:" });
    let down = true;
    const store: VideoStore = {
      ...real,
      async addLikes(changes, now, flush) {
        if (down) throw new DatabaseUnavailableError("down");
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
      // Stored: the total is that of all processes again.
      '{"total":{"like":3}}',
    ]);
    await likes.like("a", "like", 4);
    await clock.advance(300);
    expect(events.at(-1)?.data as string).toBe('{"like":4,"total":{"like":7}}');
    await likes.close();
  });
});

/** A store whose answers to `addLikes` are what `answer` makes of them. */
type Answers = ReturnType<VideoStore["addLikes"]>;
function storeWith(answer: (run: () => Answers) => Answers) {
  const real = openSqliteVideoStore({ path: ":memory:" });
  const store: VideoStore = {
    ...real,
    addLikes: (changes, now, flush) => answer(() => real.addLikes(changes, now, flush)),
  };
  return { real, store };
}

describe("likes that the store may or may not have", () => {
  test("a commit whose reply is lost counts once: the total is exact and never falls", async () => {
    const clock = createManualClock();
    let lost = true;
    const { real, store } = storeWith(async (run) => {
      const totals = await run();
      if (lost) throw new DatabaseUnavailableError("the answer is lost");
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

  test("LIKES_UNSTORED_MS_MAX: a like unstored by then stops others until it is", async () => {
    const clock = createManualClock();
    let down = true;
    const { store } = storeWith((run) =>
      down ? Promise.reject(new DatabaseUnavailableError("down")) : run(),
    );
    const likes = new LikeCounter({
      store,
      clock,
      elapsed: () => clock.now(),
      push: () => undefined,
      onFailure: () => undefined,
    });
    await likes.like("a", "like", 1);
    await clock.advance(LIKES_UNSTORED_MS_MAX);
    await likes.like("a", "like", 1);
    await clock.advance(1);
    await expect(likes.like("a", "like", 1)).rejects.toMatchObject({ code: "unavailable" });
    await expect(likes.like("b", "like", 1)).rejects.toMatchObject({ code: "unavailable" });
    down = false;
    await clock.advance(300);
    expect(await likes.like("a", "like", 1)).toEqual({ like: 3 });
  });

  test("LIKES_CLOSE_MS_MAX: a stop waits no longer for a store, and reports the loss", async () => {
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
    let isClosed = false;
    void closed.then(() => (isClosed = true));
    await clock.advance(LIKES_CLOSE_MS_MAX - 1);
    await settle();
    expect(isClosed).toBe(false);
    await clock.advance(1);
    expect(await closed).toEqual({ likes: 5, videos: 2 });
  });

  test("a stop waits for a store that comes back, and loses nothing", async () => {
    const clock = createManualClock();
    let down = true;
    const { real, store } = storeWith((run) =>
      down ? Promise.reject(new DatabaseUnavailableError("down")) : run(),
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
      await settle();
      await clock.advance(250);
      down = step < 4;
    }
    expect(await closed).toEqual({ likes: 0, videos: 0 });
    expect((await real.read(["a"]))[0]?.likes).toEqual({ like: 2 });
  });
});

/** A store of likes in memory that says what it was asked. */
function countingStore() {
  const stored = new Map<string, number>();
  const reads: string[] = [];
  const flushes: number[] = [];
  const state = { isDown: false };
  const store: VideoStore = {
    ...openSqliteVideoStore({ path: ":memory:" }),
    async read(ids) {
      reads.push(...ids);
      return ids.map((id) => ({ ...unusedVideo(id, 0), likes: { like: stored.get(id) ?? 0 } }));
    },
    async addLikes(changes) {
      if (state.isDown) throw new DatabaseUnavailableError("down");
      flushes.push(changes.length);
      return changes.map(({ id, likes }) => {
        stored.set(id, (stored.get(id) ?? 0) + (likes["like"] ?? 0));
        return { like: stored.get(id) ?? 0 };
      });
    },
  };
  const clock = createManualClock();
  const published: Event[] = [];
  const likes = new LikeCounter({
    store,
    clock,
    elapsed: () => clock.now(),
    push: (event) => published.push(event),
    onFailure: () => undefined,
  });
  const likeAll = async (name: string, count: number) => {
    for (let n = 0; n < count; n++) await likes.like(`${name}${n}`, "like", 1);
  };
  return { stored, reads, flushes, state, clock, published, likes, likeAll };
}

describe("likes of very many videos", () => {
  test("COUNT_FLUSH_VIDEOS_MAX: one transaction stores so many, the next the rest", async () => {
    const { flushes, stored, clock, likes, likeAll } = countingStore();
    await likeAll("v", COUNT_FLUSH_VIDEOS_MAX);
    await clock.advance(300);
    await likeAll("w", 2 * COUNT_FLUSH_VIDEOS_MAX + 1);
    await clock.advance(300);
    const [most, rest] = [COUNT_FLUSH_VIDEOS_MAX, 1];
    expect(flushes).toEqual([most, most, most, rest]);
    expect(stored.size).toBe(3 * most + rest);
    expect(likes.waiting).toBe(0);
  });

  test("COUNTED_VIDEOS_MAX: past it likes of another video are refused, others not", async () => {
    const { clock, likes, likeAll, published } = countingStore();
    await likeAll("v", COUNTED_VIDEOS_MAX);
    expect(likes.waiting).toBe(COUNTED_VIDEOS_MAX);
    await expect(likes.like("one-more", "like", 1)).rejects.toMatchObject({ code: "unavailable" });
    expect(await likes.like("v0", "like", 1)).toEqual({ like: 2 });
    await clock.advance(300);
    expect(published).toHaveLength(COUNTED_VIDEOS_MAX);
    expect(await likes.like("one-more", "like", 1)).toEqual({ like: 1 });
  });

  test("TOTALS_KEPT_MAX: the oldest total is evicted, and read at its next like", async () => {
    const { clock, likes, likeAll, reads } = countingStore();
    await likes.like("first", "like", 7);
    await clock.advance(300);
    await likeAll("v", TOTALS_KEPT_MAX - 1);
    await clock.advance(300);
    reads.length = 0;
    await likes.like("first", "like", 1);
    await clock.advance(300);
    expect(reads).toEqual([]);
    await likeAll("w", TOTALS_KEPT_MAX);
    await clock.advance(300);
    reads.length = 0;
    expect(await likes.like("first", "like", 1)).toEqual({ like: 9 });
    expect(reads).toEqual(["first"]);
  });

  test("TOTALS_KEPT_MAX: a pending video keeps its total while the store is down", async () => {
    const { stored, state, clock, published, likes, likeAll } = countingStore();
    stored.set("first", 1_000);
    state.isDown = true;
    await likes.like("first", "like", 1);
    await likeAll("v", TOTALS_KEPT_MAX);
    await clock.advance(300);
    const totals = () =>
      published
        .filter(({ topic }) => topic === "video:first")
        .map(({ data }) => JSON.parse(data).total.like as number);
    expect(totals()).toEqual([1_001]);
    expect(await likes.like("first", "like", 1)).toEqual({ like: 1_002 });
    expect(likes.totals("first", { like: 1_000 })).toEqual({ like: 1_002 });
    state.isDown = false;
    await clock.advance(600);
    expect(totals().at(-1)).toBe(1_002);
    expect(stored.get("first")).toBe(1_002);
  });
});
