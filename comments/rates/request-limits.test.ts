/** What requests may bring and what answers may hold: at each limit, and one beyond it. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  DEFAULT_POLICY,
  HISTORY_PAGE_MAX,
  NAME_CODE_POINTS_MAX,
  type Topic,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import {
  ADDRESS_CHARACTERS_MAX,
  BLOCKS_MAX,
  COALESCED_READ_WINDOW_MS,
  COMMENTS_CLOSE_MS_MAX,
  CONVERSATIONS_MAX,
  COUNT_FLUSH_MS,
  DESCRIPTION_CODE_POINTS_MAX,
  LIST_FLUSH_VIDEOS_MAX,
  LIST_READS_MAX,
  MEDIA_SOURCES_MAX,
  MENTIONS_MAX,
  MESSAGE_CODE_POINTS_MAX,
  PRESENCE_AUDIENCE_MAX,
  REASON_CODE_POINTS_MAX,
  SANCTIONS_MAX,
  TIME_OUT_SECONDS_MAX,
  TITLE_CODE_POINTS_MAX,
  UPKEEP_ROWS_MAX,
  VIDEO_BODY_BYTES_MAX,
  VIDEO_LIST_MAX,
} from "../limits.ts";
import type { MemberStores } from "../members/member-stores.ts";
import { conversationTopic } from "../members/messages.ts";
import { type Harness, startHarness } from "../testing/harness.ts";
import { createRateLimiterOff } from "./rate-limiter-off.ts";

const limiter = createRateLimiterOff();
let harness: Harness;
let members: MemberStores;
beforeAll(async () => {
  harness = await startHarness({ overrides: { limiter } });
  members = harness.options.members ?? expect.unreachable();
});
afterAll(() => harness.close());

/** The code of the problem, or the status. */
async function codeOf(
  method: string,
  path: string,
  token: string,
  body: unknown,
): Promise<string | number> {
  const answer = await harness.call(method, path, token, body);
  return answer.body.code ?? answer.status;
}
const putVideo = (body: unknown) => codeOf("PUT", "/v1/videos/form", "holly.host", body);
const rowsOf = async (path: string, field: string, token: string) => {
  const { body } = await harness.call("GET", path, token);
  const all = body as unknown as Readonly<Record<string, readonly unknown[]>>;
  return [all[field]?.length, all["next"] !== undefined] as const;
};

describe("the form of a video", () => {
  test("TITLE_CODE_POINTS_MAX and DESCRIPTION_CODE_POINTS_MAX fit, one more does not", async () => {
    for (const [field, most] of [
      ["title", TITLE_CODE_POINTS_MAX],
      ["description", DESCRIPTION_CODE_POINTS_MAX],
    ] as const) {
      expect([field, await putVideo({ [field]: "👋".repeat(most) })]).toEqual([field, 200]);
      expect([field, await putVideo({ [field]: "👋".repeat(most + 1) })]).toEqual([
        field,
        "text-too-long",
      ]);
    }
  });

  test("MEDIA_SOURCES_MAX and ADDRESS_CHARACTERS_MAX are taken, one more is not", async () => {
    const sources = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ src: `/${n}.mp4`, type: "video/mp4" }));
    expect(await putVideo({ media: sources(MEDIA_SOURCES_MAX) })).toBe(200);
    expect(await putVideo({ media: sources(MEDIA_SOURCES_MAX + 1) })).toBe("invalid-body");
    const poster = `/${"p".repeat(ADDRESS_CHARACTERS_MAX - 1)}`;
    expect(await putVideo({ poster })).toBe(200);
    expect(await putVideo({ poster: `${poster}p` })).toBe("invalid-body");
    expect((await harness.call("GET", "/v1/videos/form")).body).toMatchObject({
      media: sources(MEDIA_SOURCES_MAX),
      poster,
    } as never);
  });

  test("VIDEO_BODY_BYTES_MAX are read, one more is not", async () => {
    const padded = (bytes: number) => `{"title":"Padded"}`.padEnd(bytes, " ");
    expect(await putVideo(padded(VIDEO_BODY_BYTES_MAX))).toBe(200);
    expect(await putVideo(padded(VIDEO_BODY_BYTES_MAX + 1))).toBe("body-too-large");
  });
});

describe("a guest", () => {
  test("has a name of NAME_CODE_POINTS_MAX at most", async () => {
    const guest = (name: string) => harness.call("POST", "/v1/guests", undefined, { name });
    const longest = "é".repeat(NAME_CODE_POINTS_MAX);
    expect((await guest(longest)).body.member.name).toBe(longest);
    expect((await guest(`${longest}é`)).body.code).toBe("text-too-long");
  });
});

describe("a message", () => {
  test("has MESSAGE_CODE_POINTS_MAX at most", async () => {
    const send = (text: string) => codeOf("POST", "/v1/members/ben/messages", "ana", { text });
    expect(await send("👋".repeat(MESSAGE_CODE_POINTS_MAX))).toBe(201);
    expect(await send("👋".repeat(MESSAGE_CODE_POINTS_MAX + 1))).toBe("text-too-long");
  });
});

describe("a sanction, a removal and a block", () => {
  const sanction = (form: object) =>
    codeOf("PUT", "/v1/members/ted/sanction", "mona.moderator", { kind: "time-out", ...form });

  test("TIME_OUT_SECONDS_MAX is the longest time-out", async () => {
    expect(await sanction({ seconds: TIME_OUT_SECONDS_MAX })).toBe(200);
    expect(await sanction({ seconds: TIME_OUT_SECONDS_MAX + 1 })).toBe("invalid-body");
  });

  test("REASON_CODE_POINTS_MAX holds for the reason of each", async () => {
    const [longest, longer] = [0, 1].map((more) => "é".repeat(REASON_CODE_POINTS_MAX + more));
    expect(await sanction({ seconds: 60, reason: longest })).toBe(200);
    expect(await sanction({ seconds: 60, reason: longer })).toBe("text-too-long");
    const { body } = await harness.call("POST", "/v1/videos/r/comments", "ana", { text: "x" });
    const remove = (reason: string | undefined) =>
      codeOf("DELETE", `/v1/videos/r/comments/${body.seq}`, "mona.moderator", { reason });
    expect(await remove(longer)).toBe("text-too-long");
    expect(await remove(longest)).toBe(200);
  });

  test("BLOCKS_MAX members can be blocked; one more is refused, a blocked one is not", async () => {
    for (let n = 0; n < BLOCKS_MAX - 1; n++) await members.blocks.set("bea", `m${n}`, true);
    const block = (member: string, method = "PUT") =>
      codeOf(method, `/v1/members/${member}/block`, "bea", undefined);
    expect(await block("last")).toBe(200);
    expect(await block("one-more")).toBe("forbidden");
    expect(await members.blocks.between("bea", "one-more")).toEqual([]);
    expect(await block("last")).toBe(200);
    expect(await block("m0", "DELETE")).toBe(200);
    expect(await block("one-more")).toBe(200);
    expect(await rowsOf("/v1/blocks?limit=5000", "members", "bea")).toEqual([BLOCKS_MAX, false]);
    await members.blocks.set("bea", "m0", true);
    expect(await rowsOf("/v1/blocks?limit=5000", "members", "bea")).toEqual([BLOCKS_MAX, true]);
  });
});

describe("a page", () => {
  test("of conversations has CONVERSATIONS_MAX at most, and the next cursor", async () => {
    for (let n = 0; n <= CONVERSATIONS_MAX; n++)
      await members.conversations.record({
        from: `p${n}`,
        to: "cara",
        number: 1,
        at: 1_000 + n,
        text: "hello",
      });
    expect(await rowsOf("/v1/conversations?limit=5000", "conversations", "cara")).toEqual([
      CONVERSATIONS_MAX,
      true,
    ]);
  });

  test("of sanctions has SANCTIONS_MAX at most, and the next cursor", async () => {
    for (let n = 0; n <= SANCTIONS_MAX; n++)
      await members.sanctions.put({
        member: `s${n}`,
        video: "sv",
        kind: "ban",
        until: null,
        reason: "",
        at: n,
        by: "mona",
      });
    expect(
      await rowsOf("/v1/sanctions?video=sv&limit=5000", "sanctions", "mona.moderator"),
    ).toEqual([SANCTIONS_MAX, true]);
  });

  test("of comments, messages and notifications has HISTORY_PAGE_MAX at most", async () => {
    const fill = (topic: Topic, type: string, data: object) =>
      harness.options.log.append(
        Array.from({ length: HISTORY_PAGE_MAX + 1 }, () => ({
          topic,
          type,
          at: 1,
          data: toJsonText(data),
        })),
      );
    const author = { id: "ana", name: "Ana", role: "member" };
    await fill(topicOf("video", "full"), "comment", { author, text: "x" });
    await fill(topicOf("member", "dora"), "notification", { kind: "restored" });
    await fill(conversationTopic("dora", "ana"), "message", { from: "ana", text: "x" });
    for (const [path, field] of [
      ["/v1/videos/full/comments", "comments"],
      ["/v1/members/ana/messages", "messages"],
      ["/v1/notifications", "notifications"],
    ] as const) {
      const rows = async (limit: number) =>
        (await rowsOf(`${path}?limit=${limit}`, field, "dora"))[0];
      expect([field, await rows(HISTORY_PAGE_MAX)]).toEqual([field, HISTORY_PAGE_MAX]);
      expect([field, await rows(HISTORY_PAGE_MAX + 1)]).toEqual([field, HISTORY_PAGE_MAX]);
    }
  });
});

describe("what a comment and a connection tell others", () => {
  test("MENTIONS_MAX are told that a comment names them, the first ones", async () => {
    const names = Array.from({ length: MENTIONS_MAX + 1 }, (_, n) => `friend${"abcd"[n]}`);
    for (const name of names)
      await harness.call("POST", "/v1/videos/mentions/comments", name, { text: "here" });
    const text = names.map((name) => `@${name}`).join(" ");
    await harness.call("POST", "/v1/videos/mentions/comments", "ana", { text });
    await harness.comments.flush();
    const told = harness.published
      .filter(({ type, data }) => type === "notification" && data.includes('"mention"'))
      .map(({ topic }) => topic as string);
    expect(told).toEqual(names.slice(0, MENTIONS_MAX).map((name) => `member:${name}`));
  });

  test("PRESENCE_AUDIENCE_MAX partners get presence: of the newest conversations", async () => {
    const partners = Array.from({ length: PRESENCE_AUDIENCE_MAX + 1 }, (_, n) => `partner${n}`);
    for (const [at, from] of partners.entries())
      await members.conversations.record({ from, to: "pia", number: 1, at, text: "hello" });
    await harness.comments.heartbeat(partners);
    await harness.comments.heartbeat(["pia"]);
    await harness.comments.flush();
    const told = harness.published
      .filter(({ type, data }) => type === "presence" && data.includes('"pia"'))
      .map(({ topic }) => topic as string);
    expect(told.toSorted()).toEqual(
      partners
        .slice(1)
        .map((partner) => `member:${partner}`)
        .toSorted(),
    );
  });
});

describe("the list of videos", () => {
  test("VIDEO_LIST_MAX are on a page, with the next cursor", async () => {
    const own = await startHarness({ overrides: { limiter } });
    for (let n = 0; n <= VIDEO_LIST_MAX; n++) await own.options.store.put(`v${n}`, {}, n);
    const { body } = await own.call("GET", "/v1/videos?limit=5000");
    expect(body.videos).toHaveLength(VIDEO_LIST_MAX);
    const rest = await own.call("GET", `/v1/videos?limit=5000&cursor=${String(body.next)}`);
    expect(rest.body.videos.map(({ id }) => id)).toEqual(["v0"]);
    await own.close();
  });

  test("LIST_READS_MAX reads make a page: between private videos it has a cursor", async () => {
    const video = { ...DEFAULT_POLICY.video, exceptions: [{ ids: "board-*", subscribe: "token" }] };
    const policy = { ...DEFAULT_POLICY, video } as typeof DEFAULT_POLICY;
    const clock = createManualClock(2_000_000_000_000);
    const own = await startHarness({ clock, overrides: { policy, limiter } });
    // A read is one row longer than the page.
    const passed = 2 * LIST_READS_MAX;
    await own.options.store.put("behind", {}, 0);
    for (let n = 1; n < passed; n++) await own.options.store.put(`board-${n}`, {}, n);
    const page = async (cursor = "") => {
      const { body } = await own.call("GET", `/v1/videos?limit=1${cursor}`);
      return [body.videos.map(({ id }) => id), body.next as unknown] as const;
    };
    expect(await page()).toEqual([["behind"], undefined]);
    await own.options.store.put(`board-${passed}`, {}, passed);
    await clock.advance(2 * COALESCED_READ_WINDOW_MS);
    const [ids, next] = await page();
    expect([ids, next]).toEqual([[], "1.1.board-1"]);
    expect(await page(`&cursor=${String(next)}`)).toEqual([["behind"], undefined]);
    await own.close();
  });

  test("LIST_FLUSH_VIDEOS_MAX are counted before the list; more are in it later", async () => {
    const clock = createManualClock(2_000_000_000_000);
    const own = await startHarness({ clock, overrides: { limiter } });
    const like = async (name: string, count: number) => {
      for (let n = 0; n < count; n++)
        await own.call("POST", `/v1/videos/${name}${n}/likes`, "holly.host", {});
    };
    const likesOfAll = async () => {
      await clock.advance(COALESCED_READ_WINDOW_MS);
      const { body } = await own.call("GET", `/v1/videos?limit=${VIDEO_LIST_MAX}`);
      return body.videos.length;
    };
    const stored = async (id: string) => (await own.options.store.read([id]))[0]?.likes;
    const { store } = own.options;
    for (let n = 0; n < LIST_FLUSH_VIDEOS_MAX; n++) await store.markListed(`a${n}`, 1);
    await like("a", LIST_FLUSH_VIDEOS_MAX);
    expect(await stored("a0")).toEqual({});
    expect((await own.call("GET", "/v1/videos")).body.videos.length).toBe(LIST_FLUSH_VIDEOS_MAX);
    expect(await stored("a0")).toEqual({ like: 1 });
    await like("b", LIST_FLUSH_VIDEOS_MAX + 1);
    const before = await own.call("GET", "/v1/videos");
    expect(before.body.videos.length).toBe(LIST_FLUSH_VIDEOS_MAX);
    expect((await stored("b0"))?.["like"]).toBeUndefined();
    await clock.advance(COUNT_FLUSH_MS);
    expect(await stored("b0")).toEqual({ like: 1 });
    expect(await likesOfAll()).toBe(2 * LIST_FLUSH_VIDEOS_MAX + 1);
    await own.close();
  });
});

describe("the service", () => {
  test("UPKEEP_ROWS_MAX go in one step of the upkeep, which says that more wait", async () => {
    const clock = createManualClock(2_000_000_000_000);
    const own = await startHarness({ clock, overrides: { limiter } });
    const changes = Array.from({ length: UPKEEP_ROWS_MAX + 1 }, (_, n) => ({
      id: `old${n}`,
      likes: { like: 1 },
    }));
    await own.options.store.addLikes(changes, 1, { writer: "w", number: 1 });
    const task = own.comments.upkeep.find(({ name }) => name.includes("unlisted"));
    const left = async () => {
      const read = await own.options.store.read(changes.map(({ id }) => id));
      return read.filter((video) => video !== undefined).length;
    };
    expect(await task?.run()).toEqual({ more: true });
    expect(await left()).toBe(1);
    expect(await task?.run()).toEqual({ more: false });
    expect(await left()).toBe(0);
    await own.close();
  });

  test("COMMENTS_CLOSE_MS_MAX: a stop waits no longer for a dispatcher that hangs", async () => {
    const clock = createManualClock(2_000_000_000_000);
    const gate = Promise.withResolvers<void>();
    const own = await startHarness({
      clock,
      overrides: { limiter, publish: () => gate.promise },
    });
    await own.call("POST", "/v1/videos/v/comments", "ana", { text: "not published" });
    let isClosed = false;
    void own.comments.close().then(() => (isClosed = true));
    await Bun.sleep(50);
    await clock.advance(COMMENTS_CLOSE_MS_MAX - 1);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    await settle();
    expect(isClosed).toBe(true);
    gate.resolve();
    await own.close();
  });
});
