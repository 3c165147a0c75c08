import { heapStats } from "bun:jsc";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { DatabaseUnavailableError } from "@ovation/database";
import { createManualClock } from "../../testing/manual-clock.ts";
import { MEMBER_AGE_MS, MEMBERS_KEPT_MAX, VIDEO_SETTINGS_STALE_MS } from "../limits.ts";
import { createMemberDirectory } from "../members/member-directory.ts";
import { openSqliteMemberStores } from "../members/member-stores-sql.ts";
import { createMemoryRateLimiter } from "../rates/rate-limiter-memory.ts";
import { identityNamed } from "../testing/harness.ts";
import { createVideoDirectory } from "../videos/video-directory.ts";
import { openSqliteVideoStore } from "../videos/video-store-sql.ts";

setDefaultTimeout(120_000);

function heapMb(): number {
  Bun.gc(true);
  return heapStats().heapSize / 1_048_576;
}

describe("the caches of the write path", () => {
  test("release the heap after their age: 50,000 authors, then some idle seconds", async () => {
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
    // The test sees a release only where the cost was visible.
    expect(full - before).toBeGreaterThan(20);
    expect(after - before).toBeLessThan(4);
    expect(limiter.size).toBe(0);
    expect(clock.now()).toBeGreaterThan(MEMBER_AGE_MS);
    await stores.close();
  });

  test("keep a video for a bounded time while the database is unreachable", async () => {
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
          if (isAway) throw new DatabaseUnavailableError("away");
          return store.read(ids);
        },
      },
    });
    expect((await directory.settings("1")).exists).toBe(true);
    isAway = true;
    clock.advanceNow(VIDEO_SETTINGS_STALE_MS / 2);
    expect((await directory.settings("1")).exists).toBe(true);
    await expect(Promise.resolve(directory.settings("2"))).rejects.toThrow("away");
    // Reads meanwhile do not extend it.
    for (let second = 0; second < VIDEO_SETTINGS_STALE_MS / 2_000; second++) {
      clock.advanceNow(1_000);
      await Promise.resolve(directory.settings("1")).catch(() => undefined);
    }
    clock.advanceNow(2_000);
    await expect(Promise.resolve(directory.settings("1"))).rejects.toThrow("away");
    await store.close();
  });
});
