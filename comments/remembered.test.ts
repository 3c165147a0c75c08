import { heapStats } from "bun:jsc";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createManualClock, settle } from "../testing/manual-clock.ts";
import { StoreUnavailableError } from "./database/sql-database.ts";
import { MEMBER_AGE_MS, MEMBERS_KEPT_MAX, VIDEO_SETTINGS_OUTLIVE_MS } from "./limits.ts";
import { createMemberDirectory } from "./members/member-directory.ts";
import { openSqliteMemberStores } from "./members/member-stores-sql.ts";
import { createMemoryRateLimiter } from "./rates/rate-limiter-memory.ts";
import { createRemembered } from "./remembered.ts";
import { identityNamed } from "./testing/harness.ts";
import { createVideoDirectory } from "./videos/video-directory.ts";
import { openSqliteVideoStore } from "./videos/video-store-sql.ts";

setDefaultTimeout(120_000);

function heapMb(): number {
  Bun.gc(true);
  return heapStats().heapSize / 1_048_576;
}

describe("what is remembered on the way of a comment", () => {
  test("leaves the heap after its age: 50,000 authors, and seconds of quiet", async () => {
    const clock = createManualClock();
    const stores = openSqliteMemberStores({ path: ":memory:" });
    const directory = createMemberDirectory({
      stores,
      clock,
      steady: clock,
      onFailure: (error) => {
        throw error;
      },
    });
    const limiter = createMemoryRateLimiter({ clock });
    const comment = async (author: string) => {
      const identity = identityNamed(author, "guest");
      limiter.take(`comment member ${author}`, 1, { burst: 5, perMs: 10_000 });
      await directory.requireUnsanctioned(author);
      await directory.requireFreeAddress(`hash of ${author}`);
      await directory.ownerOf(author);
      directory.note(identity);
    };
    for (let n = 0; n < 100; n++) await comment(`before ${n}`);
    const before = heapMb();
    for (let n = 0; n < MEMBERS_KEPT_MAX; n++) await comment(`guest ${n}`);
    const full = heapMb();
    clock.advanceNow(20_000);
    await Bun.sleep(50);
    const after = heapMb();
    // What it costs while it counts, so that the test can see it go.
    expect(full - before).toBeGreaterThan(20);
    expect(after - before).toBeLessThan(4);
    expect(limiter.size).toBe(0);
    expect(clock.now()).toBeGreaterThan(MEMBER_AGE_MS);
    await stores.close();
  });

  test("a value that failed to load is loaded again, and one load answers all", async () => {
    const clock = createManualClock();
    let loads = 0;
    const remembered = createRemembered<number>({
      clock,
      ageMs: 1_000,
      keptMax: 10,
      async load() {
        if (++loads === 1) throw new Error("no");
        return loads;
      },
    });
    await expect(Promise.resolve(remembered.get("a"))).rejects.toThrow("no");
    await settle();
    expect(await Promise.all([remembered.get("a"), remembered.get("a")])).toEqual([2, 2]);
    expect(remembered.get("a")).toBe(2);
    clock.advanceNow(1_000);
    expect(await remembered.get("a")).toBe(3);
  });

  test("a video counts as known while the database is away, and not for ever", async () => {
    const clock = createManualClock();
    const store = openSqliteVideoStore({ path: ":memory:" });
    await store.put("1", {}, clock.now());
    let isAway = false;
    const directory = createVideoDirectory({
      clock,
      videos: "listed",
      store: {
        ...store,
        async read(ids) {
          if (isAway) throw new StoreUnavailableError("away");
          return store.read(ids);
        },
      },
    });
    expect((await directory.settings("1")).exists).toBe(true);
    isAway = true;
    clock.advanceNow(VIDEO_SETTINGS_OUTLIVE_MS / 2);
    expect((await directory.settings("1")).exists).toBe(true);
    await expect(Promise.resolve(directory.settings("2"))).rejects.toThrow("away");
    clock.advanceNow(2 * VIDEO_SETTINGS_OUTLIVE_MS);
    await expect(Promise.resolve(directory.settings("1"))).rejects.toThrow("away");
    await store.close();
  });
});
