import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Problem, toJsonText, topicOf } from "@ovation/protocol";
import { createRateLimiterOff } from "../rates/rate-limiter-off.ts";
import { type Harness, startHarness } from "../testing/harness.ts";

let harness: Harness;
let videos = 0;

beforeAll(async () => {
  harness = await startHarness({ overrides: { limiter: createRateLimiterOff() } });
});
afterAll(() => harness.close());

/** A video of its own for each test. */
function newVideo(): string {
  return `v${++videos}`;
}

async function post(video: string, text: string, token = "ana", extra: object = {}) {
  return harness.call("POST", `/v1/videos/${video}/comments`, token, { text, ...extra });
}

describe("likes", () => {
  test("taps are merged, the total is exact and needs no token", async () => {
    const video = newVideo();
    const path = `/v1/videos/${video}/likes`;
    const answers = await Promise.all(
      Array.from({ length: 30 }, () =>
        harness.call("POST", path, undefined, { kind: "like", count: 3 }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(202));
    expect((await harness.call("POST", path, undefined, { kind: "love" })).body).toEqual<unknown>({
      accepted: 1,
      total: { like: 90, love: 1 },
    });
    await harness.comments.flush();
    const events = harness.published.filter(
      (event) => event.topic === `video:${video}` && event.type === "likes",
    );
    expect(events.length).toBeLessThan(10);
    const data = events.map((event) => JSON.parse(event.data));
    expect(data.reduce((sum, each) => sum + (each.like ?? 0), 0)).toBe(90);
    expect(data.at(-1).total).toEqual({ like: 90, love: 1 });
    expect((await harness.call("GET", `/v1/videos/${video}`)).body.likes).toEqual({
      like: 90,
      love: 1,
    });
  });

  test("other kinds and counts are refused", async () => {
    for (const body of [
      { kind: "hate" },
      { kind: "__proto__" },
      { count: 0 },
      { count: 21 },
      { count: 1.5 },
      { count: "3" },
      7,
    ]) {
      const answer = await harness.call("POST", "/v1/videos/x/likes", undefined, body);
      expect([body, answer.status, answer.body.code]).toEqual([body, 400, "invalid-body"]);
    }
  });
});

describe("videos", () => {
  test("a video without any use is there, empty, and is not stored", async () => {
    const video = newVideo();
    const answer = await harness.call("GET", `/v1/videos/${video}`);
    expect([answer.status, answer.body]).toEqual<unknown>([
      200,
      {
        id: video,
        title: video,
        live: true,
        viewers: 7,
        likes: {},
        comments: 0,
        head: 0,
        pinned: null,
      },
    ]);
    expect(await harness.options.store.read([video])).toEqual([undefined]);
  });

  test("are answered while viewer counts are unavailable, which is counted", async () => {
    const told: unknown[] = [];
    const alone = await startHarness({
      overrides: {
        viewers: () => Promise.reject(new Problem("unavailable", "no dispatcher answers")),
        onFailure: (part, error) => told.push([part, (error as Error).message]),
      },
    });
    const video = newVideo();
    expect(
      await alone.call("PUT", `/v1/videos/${video}`, "hana.host", { title: "The match" }),
    ).toMatchObject({ status: 200 });
    expect((await alone.call("GET", `/v1/videos/${video}`)).body).toMatchObject({
      title: "The match",
      viewers: 0,
    });
    expect((await alone.call("GET", "/v1/videos")).body.videos.map(({ id }) => id)).toContain(
      video,
    );
    expect(told).toContainEqual(["counts", "no dispatcher answers"]);
    expect(
      await alone.registry.getSingleMetricAsString("ovation_comments_failures_total"),
    ).toContain('part="counts"');
    await alone.close();
  });

  test("comments are counted from the log, by whichever process they were written", async () => {
    const video = newVideo();
    const topic = topicOf("video", video);
    await post(video, "one");
    const data = toJsonText({
      text: "by a server",
      author: { id: "x", name: "X", role: "member" },
    });
    const entries = Array.from({ length: 2_500 }, () => ({ topic, type: "comment", at: 1, data }));
    await harness.options.log.append(entries);
    await harness.options.log.append([{ topic, type: "goal", at: 1, data: toJsonText({}) }]);
    expect((await harness.call("GET", `/v1/videos/${video}`)).body.comments).toBe<unknown>(2_501);
    await harness.call("DELETE", `/v1/videos/${video}/comments/1`, "ana");
    expect((await harness.call("GET", `/v1/videos/${video}`)).body.comments).toBe<unknown>(2_500);
  });

  test("a host describes a video, and closes its comments", async () => {
    const video = newVideo();
    const details = {
      title: "Launch",
      description: "First\nSecond",
      live: true,
      media: [{ src: "/media/a.mp4", type: "video/mp4" }],
      poster: "https://example.org/p.png",
    };
    expect((await harness.call("PUT", `/v1/videos/${video}`, "ana", details)).body.code).toBe(
      "forbidden",
    );
    const put = await harness.call("PUT", `/v1/videos/${video}`, "hana.host", details);
    expect([put.status, put.body]).toMatchObject([200, { id: video, ...details, comments: 0 }]);
    expect(
      (
        await harness.call("PUT", `/v1/videos/${video}`, `srv.member.video:${video}`, {
          closed: true,
        })
      ).body.title,
    ).toBe("Launch");
    expect((await post(video, "late")).body.code).toBe("comments-closed");
    expect((await post(video, "host", "hana.host")).status).toBe(201);
    const listed = await harness.call("GET", "/v1/videos?limit=200");
    expect(listed.body.videos.find(({ id }: { id: string }) => id === video)).toMatchObject({
      title: "Launch",
      comments: 1,
    });
    for (const bad of [
      { poster: "javascript:alert(1)" },
      { poster: "//evil" },
      { media: [{ src: "data:x", type: "video/mp4" }] },
      { live: 1 },
    ]) {
      expect((await harness.call("PUT", `/v1/videos/${video}`, "hana.host", bad)).body.code).toBe(
        "invalid-body",
      );
    }
  });
});
