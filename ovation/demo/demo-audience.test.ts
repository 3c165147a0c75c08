/** The audience against the real server: over its public API, as the page would see it. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "@ovation/protocol";
import { Server } from "../../testing/server.ts";
import { signToken } from "../tokens/mod.ts";
import { type Demo, startDemo } from "./demo-audience.ts";
import { DEMO_VIDEOS } from "./demo-script.ts";

const SECRET = "a secret of the demo's tests, 32 bytes or so";

let server: Server;
let demo: Demo;
const trouble: string[] = [];

beforeAll(async () => {
  server = await Server.start({ flags: ["--secret", SECRET] });
  demo = await startDemo({
    url: server.url,
    viewers: 30,
    random: Math.random,
    clock: systemClock,
    sign: (claims) => signToken(SECRET, claims, 3600),
    onTrouble: (what) => trouble.push(what),
  });
});
afterAll(async () => {
  demo.stop();
  await server.stop();
});

async function get<Body>(path: string): Promise<Body> {
  return (await (await fetch(server.url + path)).json()) as Body;
}

async function eventually<Value>(
  read: () => Promise<Value>,
  holds: (value: Value) => boolean,
): Promise<Value> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (performance.now() > deadline)
      throw new Error(`still ${JSON.stringify(value).slice(0, 500)}`);
    await Bun.sleep(100);
  }
}

interface Video {
  readonly id: string;
  readonly title: string;
  readonly viewers: number;
  readonly comments: number;
  readonly likes: Record<string, number>;
  readonly pinned?: { readonly text: string; readonly author: { readonly role: string } } | null;
}
interface Comment {
  readonly seq: number;
  readonly text: string;
  readonly replyTo?: number;
  readonly author: { readonly id: string; readonly name: string };
}

describe("the demo", () => {
  test("has videos with history, likes and a pinned comment at its start", async () => {
    const { videos } = await get<{ videos: Video[] }>("/v1/videos");
    expect(videos.map((video) => video.id).sort()).toEqual(
      DEMO_VIDEOS.map((video) => video.id).sort(),
    );
    const video = await get<Video>("/v1/videos/demo");
    expect(video.title).toBe("Aurora Sessions — live");
    expect(video.comments).toBeGreaterThanOrEqual(40);
    expect(video.likes["like"]).toBeGreaterThan(50);
    expect(video.pinned?.author.role).toBe("host");
  });

  test("comes with viewers who hold real connections", async () => {
    await eventually(
      () => get<Video>("/v1/videos/demo"),
      (video) => video.viewers >= 15,
    );
  });

  test("continues without a visitor", async () => {
    const before = await get<Video>("/v1/videos/demo");
    const total = (video: Video) =>
      Object.values(video.likes).reduce((sum, count) => sum + count, 0);
    await eventually(
      () => get<Video>("/v1/videos/demo"),
      (video) => video.comments > before.comments && total(video) > total(before),
    );
  });

  test("answers a real person who says hello", async () => {
    const token = await signToken(SECRET, { sub: "ana", name: "Ana" }, 60);
    const posted = await fetch(`${server.url}/v1/videos/demo/comments`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ text: "hello, I am new here" }),
    });
    const { seq } = (await posted.json()) as Comment;
    const answers = await eventually(
      async () =>
        (
          await get<{ comments: Comment[] }>(`/v1/videos/demo/comments?after=${seq}&limit=200`)
        ).comments.filter((each) => each.replyTo === seq),
      (found) => found.length > 0,
    );
    expect(answers[0]?.author.id).toStartWith("demo.");
  });

  test("did all this without one refused request, and leaves when it is stopped", async () => {
    expect(trouble).toEqual([]);
    demo.stop();
    await eventually(
      () => get<Video>("/v1/videos/demo"),
      (video) => video.viewers === 0,
    );
  });
});
