/** What the comments service remembers is bounded: beyond each limit the oldest goes, or waits. */

import { describe, expect, test } from "bun:test";
import { MemoryLog } from "@ovation/log";
import {
  DEFAULT_POLICY,
  type HttpRequest,
  jsonAnswer,
  type RouteContext,
  topicOf,
} from "@ovation/protocol";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import { createBackground } from "../background.ts";
import { createCommentCounts } from "../history/comment-counts.ts";
import {
  BACKGROUND_MAX,
  COUNTED_VIDEOS_MAX,
  MEMBERS_KEPT_MAX,
  NAMES_PER_VIDEO_MAX,
  NAMES_STAFF_MAX,
  NAMES_VIDEOS_MAX,
  NEW_VIDEOS_KEPT_MAX,
  PRESENCE_MEMBERS_MAX,
  PROFILES_WAITING_MAX,
  RATE_LIMITER_KEYS_MAX,
  READ_DEBTS_KEPT_MAX,
  READ_UNIT_BYTES,
  STAFF_NOTED_MAX,
  VIDEO_SETTINGS_KEPT_MAX,
} from "../limits.ts";
import { createMemberDirectory } from "../members/member-directory.ts";
import type { MemberStores, Profile } from "../members/member-stores.ts";
import { openSqliteMemberStores } from "../members/member-stores-sql.ts";
import { Presence } from "../members/presence.ts";
import { looksLike, looksOf, REMEMBERED_MAX } from "../names/look-alikes.ts";
import { createNameGuard } from "../names/name-guard.ts";
import { identityNamed } from "../testing/harness.ts";
import { createNewVideos } from "../videos/new-videos.ts";
import { createVideoDirectory } from "../videos/video-directory.ts";
import { openSqliteVideoStore } from "../videos/video-store-sql.ts";
import { RATE_OK } from "./rate-limiter.ts";
import { createMemoryRateLimiter } from "./rate-limiter-memory.ts";
import { limitReads } from "./read-limit.ts";

function fail(error: unknown): never {
  throw error;
}

describe("work in the background", () => {
  test("BACKGROUND_MAX tasks run; one more is not started and counts as a failure", async () => {
    const failures: unknown[] = [];
    const background = createBackground((error) => failures.push(error));
    const gate = Promise.withResolvers<void>();
    let started = 0;
    const work = () => {
      started++;
      return gate.promise;
    };
    for (let n = 0; n < BACKGROUND_MAX; n++) background.run(work);
    expect([started, failures]).toEqual([BACKGROUND_MAX, []]);
    background.run(work);
    expect([started, failures.length]).toEqual([BACKGROUND_MAX, 1]);
    gate.resolve();
    await background.idle();
    background.run(work);
    await background.idle();
    expect([started, failures.length]).toEqual([BACKGROUND_MAX + 1, 1]);
  });
});

describe("videos", () => {
  test("COUNTED_VIDEOS_MAX wait to be counted; one more is counted on request", async () => {
    const clock = createManualClock();
    const log = new MemoryLog({ clock, policy: DEFAULT_POLICY });
    const store = openSqliteVideoStore({ path: ":memory:" });
    const counts = createCommentCounts({ log, store, clock, onFailure: fail });
    for (let n = 0; n < COUNTED_VIDEOS_MAX; n++) counts.touch(`v${n}`);
    const topic = topicOf("video", "one-more");
    await log.append([{ topic, type: "comment", at: 1, data: "{}" as never }]);
    counts.touch("one-more");
    expect(counts.waiting).toBe(COUNTED_VIDEOS_MAX);
    await counts.catchUp("one-more");
    expect((await store.read(["one-more"]))[0]).toMatchObject({ comments: 1 });
    await store.close();
  });

  test("VIDEO_SETTINGS_KEPT_MAX are remembered; beyond, the oldest is read again", async () => {
    const clock = createManualClock();
    const real = openSqliteVideoStore({ path: ":memory:" });
    const reads: string[] = [];
    const directory = createVideoDirectory({
      store: {
        ...real,
        async read(ids) {
          reads.push(...ids);
          return ids.map(() => undefined);
        },
      },
      clock,
      videos: "any",
    });
    const readsOf = async (id: string) => {
      reads.length = 0;
      expect(await directory.settings(id)).toMatchObject({ exists: true, stored: false });
      return reads.length;
    };
    for (let n = 0; n < VIDEO_SETTINGS_KEPT_MAX; n++) await directory.settings(`v${n}`);
    expect(await readsOf("v0")).toBe(0);
    expect(await readsOf("one-more")).toBe(1);
    expect([await readsOf("v1"), await readsOf("v0")]).toEqual([0, 1]);
    await real.close();
  });

  test("NEW_VIDEOS_KEPT_MAX are not charged again; beyond, the oldest is", async () => {
    const clock = createManualClock();
    let charged = 0;
    const take = () => {
      charged++;
      return RATE_OK;
    };
    const made = createNewVideos({ take }, clock, {
      newVideosPerAddress: { burst: 1, perMs: 1 },
    });
    for (let n = 0; n < NEW_VIDEOS_KEPT_MAX; n++) await made.get(`192.0.2.1 v${n}`);
    await made.get("192.0.2.1 v0");
    expect(charged).toBe(NEW_VIDEOS_KEPT_MAX);
    await made.get("192.0.2.1 one-more");
    await made.get("192.0.2.1 v1");
    expect(charged).toBe(NEW_VIDEOS_KEPT_MAX + 1);
    await made.get("192.0.2.1 v0");
    expect(charged).toBe(NEW_VIDEOS_KEPT_MAX + 2);
  });
});

describe("addresses", () => {
  test("RATE_LIMITER_KEYS_MAX are kept at most, and the newest half is limited", () => {
    const limiter = createMemoryRateLimiter({ clock: createManualClock() });
    const rule = { burst: 1, perMs: 60_000 };
    const flood = 2 * RATE_LIMITER_KEYS_MAX;
    for (let n = 0; n < flood; n++) {
      limiter.take(`key ${n}`, 1, rule);
      if (limiter.size > RATE_LIMITER_KEYS_MAX) throw new Error(`${limiter.size} keys after ${n}`);
    }
    for (let n = flood - RATE_LIMITER_KEYS_MAX / 2; n < flood; n++)
      if (limiter.take(`key ${n}`, 1, rule).ok) throw new Error(`key ${n} was forgotten`);
    expect(limiter.take("key 0", 1, rule).ok).toBe(true);
  });

  test("READ_DEBTS_KEPT_MAX owe for what they read; beyond, the oldest owes nothing", async () => {
    const taken: number[] = [];
    const limiter = {
      take(_: string, amount: number) {
        taken.push(amount);
        return RATE_OK;
      },
    };
    const clock = createManualClock();
    const answer = jsonAnswer(JSON.stringify("x".repeat(3 * READ_UNIT_BYTES)));
    const [route] = limitReads(
      {
        steady: clock,
        limiter,
        rules: { readsPerAddress: { burst: 1, perMs: 1 } },
        identify: async () => undefined,
      },
      [{ method: "GET", path: "/", handle: async () => answer }],
    );
    const request = new Request("http://ovation/") as unknown as HttpRequest;
    const unitsOf = async (address: string) => {
      await route?.handle(request, { params: {}, address } as unknown as RouteContext);
      return taken.pop();
    };
    for (let n = 0; n < READ_DEBTS_KEPT_MAX; n++) await unitsOf(`a${n}`);
    expect(await unitsOf("a0")).toBe(4);
    expect(await unitsOf("one more")).toBe(1);
    expect(await unitsOf("a2")).toBe(4);
    expect(await unitsOf("a1")).toBe(1);
  });
});

describe("members", () => {
  function directoryOf(written: Profile[][]) {
    const stores = openSqliteMemberStores({ path: ":memory:" });
    const members: MemberStores["members"] = {
      ...stores.members,
      async remember(profiles) {
        written.push([...profiles]);
      },
    };
    const clock = createManualClock();
    return createMemberDirectory({
      stores: { ...stores, members },
      clock,
      steady: clock,
      onFailure: fail,
    });
  }

  test("PROFILES_WAITING_MAX wait; one more is stored with its next comment", async () => {
    const written: Profile[][] = [];
    const directory = directoryOf(written);
    for (let n = 0; n < PROFILES_WAITING_MAX; n++) directory.note(identityNamed(`m${n}`));
    const late = identityNamed("one-more");
    directory.note(late);
    await directory.flush();
    expect(written.map(({ length }) => length)).toEqual([PROFILES_WAITING_MAX]);
    directory.note(late);
    await directory.flush();
    expect(written[1]?.map(({ id }) => id)).toEqual(["one-more"]);
  });

  test("MEMBERS_KEPT_MAX are remembered; beyond, the oldest is read again", async () => {
    const real = openSqliteMemberStores({ path: ":memory:" });
    let reads = 0;
    const sanctions: MemberStores["sanctions"] = {
      ...real.sanctions,
      async of() {
        reads++;
        return [];
      },
    };
    const clock = createManualClock();
    const directory = createMemberDirectory({
      stores: { ...real, sanctions },
      clock,
      steady: clock,
      onFailure: fail,
    });
    const readsOf = async (member: string) => {
      reads = 0;
      await directory.requireUnsanctioned(member);
      return reads;
    };
    for (let n = 0; n < MEMBERS_KEPT_MAX; n++) await directory.requireUnsanctioned(`m${n}`);
    expect([await readsOf("m0"), await readsOf("one-more")]).toEqual([0, 1]);
    expect([await readsOf("m1"), await readsOf("m0")]).toEqual([0, 1]);
    await real.close();
  });

  test("STAFF_NOTED_MAX are known as stored; past it the oldest is stored again", async () => {
    const written: Profile[][] = [];
    const directory = directoryOf(written);
    const note = async (sub: string) => {
      written.length = 0;
      directory.noteStaff({ sub, name: sub, role: "host" });
      await directory.flush();
      return written.flat().map(({ id }) => id);
    };
    for (let n = 0; n < STAFF_NOTED_MAX; n++) await note(`h${n}`);
    expect(await note("h0")).toEqual([]);
    expect(await note("one-more")).toEqual(["one-more"]);
    expect([await note("h1"), await note("h0")]).toEqual([[], ["h0"]]);
  });

  test("PRESENCE_MEMBERS_MAX are watched; past it the oldest is not announced", async () => {
    const clock = createManualClock();
    const offline: string[] = [];
    const kept = new Map<string, string>();
    const presence = new Presence({
      values: {
        async set(key, value) {
          kept.set(key, value);
        },
        get: async (keys) => keys.map((key) => kept.get(key)),
      },
      clock,
      onChange: (member, { online }) => {
        if (!online) offline.push(member);
      },
      onFailure: fail,
    });
    await presence.heartbeat(["first", "second"]);
    await presence.heartbeat(Array.from({ length: PRESENCE_MEMBERS_MAX - 2 }, (_, n) => `m${n}`));
    expect(presence.watched).toBe(PRESENCE_MEMBERS_MAX);
    await presence.heartbeat(["one more"]);
    expect(presence.watched).toBe(PRESENCE_MEMBERS_MAX);
    clock.advanceNow(60_000);
    await settle();
    expect(offline[0]).toBe("second");
    expect(offline).not.toContain("first");
    expect(await presence.status(["first"])).toMatchObject([{ online: false }]);
    presence.close();
  }, 30_000);
});

describe("names", () => {
  const video = topicOf("video", "1");
  function guardOf() {
    const clock = createManualClock();
    const log = new MemoryLog({ clock, policy: DEFAULT_POLICY });
    const guard = createNameGuard({ log, stores: undefined, steady: clock, onFailure: fail });
    /** Whether a guest may have the name. */
    const isFree = (name: string, topic = video) =>
      guard.requireFree(name, undefined, topic).then(
        () => true,
        () => false,
      );
    return { guard, isFree };
  }
  /** Each looks like itself alone. */
  const nameOf = (n: number) =>
    `name${[...String(n)].map((digit) => "bcdfgkpqxz"[Number(digit)]).join("")}`;

  test("NAMES_STAFF_MAX of staff are not free; beyond, the oldest is", async () => {
    const { guard, isFree } = guardOf();
    for (let n = 0; n < NAMES_STAFF_MAX; n++)
      guard.note({ ...identityNamed(`h${n}`, "host"), name: nameOf(n) }, undefined);
    expect([await isFree(nameOf(0)), await isFree(nameOf(NAMES_STAFF_MAX - 1))]).toEqual([
      false,
      false,
    ]);
    guard.note({ ...identityNamed("one-more", "host"), name: "One More" }, undefined);
    expect([await isFree(nameOf(0)), await isFree(nameOf(1)), await isFree("One More")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("NAMES_PER_VIDEO_MAX names are reserved; past it the oldest is free", async () => {
    const { guard, isFree } = guardOf();
    for (let n = 0; n < NAMES_PER_VIDEO_MAX; n++)
      guard.note({ ...identityNamed(`m${n}`), name: nameOf(n) }, video);
    expect(await isFree(nameOf(0))).toBe(false);
    guard.note({ ...identityNamed("one-more"), name: "One More" }, video);
    expect([await isFree(nameOf(0)), await isFree(nameOf(1)), await isFree("One More")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("NAMES_VIDEOS_MAX have reserved names; past it those of the oldest are free", async () => {
    const { guard, isFree } = guardOf();
    const ana = { ...identityNamed("ana"), name: "Ana Costa" };
    for (let n = 0; n < NAMES_VIDEOS_MAX; n++) guard.note(ana, topicOf("video", `v${n}`));
    expect(await isFree("Ana Costa", topicOf("video", "v0"))).toBe(false);
    guard.note(ana, topicOf("video", "one-more"));
    expect(await isFree("Ana Costa", topicOf("video", "v0"))).toBe(true);
    expect(await isFree("Ana Costa", topicOf("video", "v1"))).toBe(false);
  });

  test("REMEMBERED_MAX looks are cached; past it they are computed again, and are equal", () => {
    const before = looksOf("Hanna Bergström");
    expect(looksOf("Hanna Bergström")).toBe(before);
    for (let n = 0; n < REMEMBERED_MAX; n++) looksOf(nameOf(n));
    const again = looksOf("Hanna Bergström");
    expect(again).not.toBe(before);
    expect(again).toEqual(before);
    expect(looksLike("Hanna Bergström", "hanna bergstrom")).toBe(true);
  });
});
