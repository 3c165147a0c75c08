/** Which videos are listed, who makes them, and how they end. */

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_POLICY, topicOf } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { createRateLimiterOff } from "../rates/rate-limiter-off.ts";
import { type Harness, startHarness } from "../testing/harness.ts";
import { openSqliteVideoStore } from "./video-store-sql.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ overrides: { limiter: createRateLimiterOff() } });
});
afterAll(() => harness.close());

const call: Harness["call"] = (...parameters) => harness.call(...parameters);
const listed = async (query = "") =>
  (await call("GET", `/v1/videos${query}`)).body.videos.map(({ id }) => id);
const like = (id: string, token?: string) => call("POST", `/v1/videos/${id}/likes`, token, {});
const comment = (id: string, token: string) =>
  call("POST", `/v1/videos/${id}/comments`, token, { text: "hello" });

describe("the list", () => {
  test("220 anonymous likes and a guest's comment add nothing and remove nothing", async () => {
    await call("PUT", "/v1/videos/townhall", "holly.host", { title: "Our town hall" });
    for (let index = 0; index < 220; index++) await like(`WIN-a-phone-${index}`);
    await comment("BUY-pills.example", "gus.guest");
    await comment("a-members-own", "ana");
    expect(await listed()).toEqual(["townhall"]);
    expect((await call("GET", "/v1/videos/WIN-a-phone-7")).body.likes).toEqual({ like: 1 });
    expect((await call("GET", "/v1/videos/BUY-pills.example/comments")).body.comments).toHaveLength(
      1,
    );
  });

  test("has what a host or a publishing token uses, whatever they do there", async () => {
    await comment("by-host", "holly.host");
    await like("by-publisher", "backend.member.video:*");
    await like("by-moderator", "mo.moderator");
    await call("PUT", "/v1/videos/put-empty", "backend.member.video:*", {});
    await like("later");
    await comment("later", "holly.host");
    const ids = await listed();
    for (const id of ["by-host", "by-publisher", "put-empty", "later"]) expect(ids).toContain(id);
    expect(ids).not.toContain("by-moderator");
  });

  test("continues past videos that the reader may not see, in pages", async () => {
    const video = { ...DEFAULT_POLICY.video, exceptions: [{ ids: "board-*", subscribe: "token" }] };
    const policy = { ...DEFAULT_POLICY, video } as typeof DEFAULT_POLICY;
    const own = await startHarness({ overrides: { policy, limiter: createRateLimiterOff() } });
    for (let index = 0; index < 12; index++) {
      await own.call("PUT", `/v1/videos/open-${index}`, "h.host", { title: "open" });
    }
    for (let index = 0; index < 60; index++)
      await own.call("PUT", `/v1/videos/board-${index}`, "h.host", { title: "private" });
    const seen: string[] = [];
    let next: string | undefined = "";
    let pages = 0;
    while (next !== undefined && pages++ < 10) {
      const query: string = next === "" ? "" : `&cursor=${next}`;
      const { body } = await own.call("GET", `/v1/videos?limit=5${query}`);
      seen.push(...body.videos.map(({ id }) => id));
      next = body.next as unknown as string | undefined;
    }
    expect(seen.toSorted()).toEqual(Array.from({ length: 12 }, (_, n) => `open-${n}`).toSorted());
    expect(pages).toBe(3);
    expect((await own.call("GET", "/v1/videos?cursor=nonsense")).body.code).toBe(
      "invalid-parameter",
    );
    await own.close();
  });
});

describe("a deleted video", () => {
  test("is deleted for all: list, pages, comments, likes; its viewers learn it", async () => {
    await call("PUT", "/v1/videos/over", "holly.host", { title: "Over" });
    for (let index = 0; index < 3; index++) await comment("over", "ana");
    await like("over");
    for (const token of [undefined, "ana", "mo.moderator", "gus.guest"])
      expect([401, 403]).toContain((await call("DELETE", "/v1/videos/over", token)).status);
    expect((await call("DELETE", "/v1/videos/over", "holly.host")).body).toEqual<unknown>({
      id: "over",
      deleted: true,
    });
    expect(await listed()).not.toContain("over");
    const refused = [
      await call("GET", "/v1/videos/over"),
      await call("GET", "/v1/videos/over/comments"),
      await comment("over", "ana"),
      await comment("over", "holly.host"),
      await like("over"),
      await call("DELETE", "/v1/videos/over/comments/1", "ana"),
      await call("PUT", "/v1/videos/over/pin", "holly.host", { seq: 1 }),
    ];
    for (const { status, body } of refused)
      expect([status, body.code]).toEqual([410, "video-deleted"]);
    await harness.comments.flush();
    expect(harness.published.filter(({ topic }) => topic === "video:over").at(-1)?.type).toBe(
      "video-deleted",
    );
    const { events, head } = await harness.options.log.read(topicOf("video", "over"), { limit: 9 });
    expect(events.map(({ type }) => type)).toEqual(["video-deleted"]);
    expect([head.seq, head.first]).toEqual([4, 4]);
    expect((await call("DELETE", "/v1/videos/over", "holly.host")).status).toBe(200);
  });

  test("begins again, empty, where its host puts it again", async () => {
    await call("PUT", "/v1/videos/again", "holly.host", { title: "First", closed: true });
    await like("again");
    await call("DELETE", "/v1/videos/again", "backend.member.video:again");
    const put = await call("PUT", "/v1/videos/again", "holly.host", { title: "Second" });
    expect(put.body).toMatchObject({ title: "Second", likes: {}, comments: 0 } as never);
    expect((await comment("again", "ana")).status).toBe(201);
    expect((await call("GET", "/v1/videos/again")).body).toMatchObject({ comments: 1 } as never);
  });

  test("keeps nothing of a comment that another process took while it was deleted", async () => {
    const clock = createManualClock(2_000_000_000_000);
    const own = await startHarness({ clock });
    await own.call("PUT", "/v1/videos/race", "holly.host", {});
    await own.call("DELETE", "/v1/videos/race", "holly.host");
    const entry = { topic: topicOf("video", "race"), type: "comment", at: 1, data: "{}" as never };
    await own.options.log.append([entry, entry]);
    await clock.advance(5_000);
    await own.comments.flush();
    const { events } = await own.options.log.read(entry.topic, { limit: 9 });
    expect(events.map(({ type }) => type)).toEqual(["video-deleted"]);
    await own.close();
  });

  test("without any use is unknown under --videos listed", async () => {
    const own = await startHarness({ overrides: { videos: "listed" } });
    expect((await own.call("DELETE", "/v1/videos/never", "h.host")).body.code).toBe(
      "unknown-video",
    );
    await own.close();
  });
});

describe("what viewers alone make", () => {
  test("an address creates a bounded number of videos, and uses existing ones freely", async () => {
    const own = await startHarness({
      overrides: { rateRules: { newVideosPerAddress: { burst: 5, perMs: 60_000 } } },
    });
    const statuses: number[] = [];
    for (let index = 0; index < 9; index++)
      statuses.push((await own.call("POST", `/v1/videos/n${index}/likes`, undefined, {})).status);
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429, 429, 429, 429]);
    const guest = (id: string) =>
      own.call("POST", `/v1/videos/${id}/comments`, `g${id}.guest`, { text: "x" });
    expect((await guest("new")).status).toBe(429);
    for (let index = 0; index < 5; index++) {
      expect((await own.call("POST", `/v1/videos/n${index}/likes`, undefined, {})).status).toBe(
        202,
      );
      expect((await guest(`n${index}`)).status).toBe(201);
    }
    const elsewhere = await own.call("POST", "/v1/videos/n8/likes", undefined, {}, "203.0.113.9");
    expect(elsewhere.status).toBe(202);
    expect((await own.call("POST", "/v1/videos/n99/likes", "h.host", {})).status).toBe(202);
    await own.close();
  });

  test("ends by itself: liked ones first, with their log; listed ones never", async () => {
    const clock = createManualClock(2_000_000_000_000);
    const DAY_MS = 24 * 60 * 60_000;
    const own = await startHarness({
      clock,
      overrides: {
        recordLives: { likedVideosMs: 2 * DAY_MS, unlistedVideosMs: 9 * DAY_MS },
        limiter: createRateLimiterOff(),
      },
    });
    await own.call("POST", "/v1/videos/liked/likes", undefined, {});
    await own.call("POST", "/v1/videos/said/comments", "gus.guest", { text: "words" });
    await own.call("PUT", "/v1/videos/kept", "h.host", {});
    await own.comments.flush();
    const run = async () => {
      for (const task of own.comments.upkeep) await task.run();
      return (await own.options.store.read(["liked", "said", "kept"])).map((each) => each?.id);
    };
    expect(await run()).toEqual(["liked", "said", "kept"]);
    await clock.advance(3 * DAY_MS);
    expect(await run()).toEqual([undefined, "said", "kept"]);
    await clock.advance(10 * DAY_MS);
    expect(await run()).toEqual([undefined, undefined, "kept"]);
    expect((await own.options.log.read(topicOf("video", "said"), { limit: 5 })).events).toEqual([]);
    await own.close();
  });
});

test("videos of an earlier version stay listed where a host had described them", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ovation-earlier-"));
  const path = join(directory, "videos.sqlite");
  const earlier = new Database(path, { create: true });
  earlier.exec(`CREATE TABLE ovation_videos (
      id TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT NOT NULL,
      live INTEGER NOT NULL, closed INTEGER NOT NULL,
      media TEXT NOT NULL, poster TEXT NOT NULL, created_at BIGINT NOT NULL,
        active_at BIGINT NOT NULL, comments BIGINT NOT NULL,
      counted BIGINT NOT NULL DEFAULT 0
    );
    CREATE INDEX ovation_videos_by_activity ON ovation_videos (live DESC, active_at DESC);
    CREATE TABLE ovation_likes (video TEXT NOT NULL, kind TEXT NOT NULL, n BIGINT NOT NULL,
      PRIMARY KEY (video, kind));
    INSERT INTO ovation_videos VALUES ('titled', 'A title', '', 1, 0, '[]', '', 1, 3, 0, 0),
      ('ended', '', '', 0, 0, '[]', '', 1, 2, 0, 0), ('liked', '', '', 1, 0, '[]', '', 1, 9, 0, 0);
    INSERT INTO ovation_likes VALUES ('titled', 'like', 7);
    CREATE TABLE ovation_like_writers (writer TEXT PRIMARY KEY, number BIGINT NOT NULL,
      at BIGINT NOT NULL);
    PRAGMA user_version = 3`);
  earlier.close();
  const store = openSqliteVideoStore({ path });
  const videos = await store.list(10);
  expect(videos.map(({ id, likes }) => [id, likes])).toEqual([
    ["titled", { like: 7 }],
    ["ended", {}],
  ]);
  expect((await store.read(["liked"]))[0]).toMatchObject({ listed: false, deletedAt: null });
  await store.close();
  rmSync(directory, { recursive: true });
});
