import { afterEach, describe, expect, test } from "bun:test";
import { systemClock } from "@ovation/protocol";
import { createApi, RefusedError } from "./api.ts";
import { guestAuthors, oneAuthor, signedAuthors } from "./authors.ts";
import { REFUSALS_SHOWN_MAX } from "./limits.ts";
import type { RecordedComment, Recording } from "./recording.ts";
import { type ReplayOptions, replay } from "./replay.ts";
import {
  type FakeServer,
  type FakeServerOptions,
  refusal,
  startFakeServer,
} from "./testing/fake-server.ts";

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

function recordingOf(...comments: readonly (readonly [number, string, string])[]): Recording {
  const list = comments.map(
    ([offsetSeconds, author, text], index): RecordedComment => ({
      offsetSeconds,
      author,
      text,
      role: "member",
      where: `line ${index + 1}`,
    }),
  );
  return {
    form: "JSON Lines",
    async *comments() {
      yield* list;
    },
  };
}

function run(
  recording: Recording,
  behaviour: FakeServerOptions = {},
  changes: Partial<ReplayOptions> & { onRateLimit?: (ms: number) => void } = {},
) {
  const { onRateLimit, ...options } = changes;
  server = startFakeServer(behaviour);
  const signal = options.signal ?? new AbortController().signal;
  const api = createApi({
    url: server.url,
    clock: systemClock,
    random: () => 0,
    signal,
    ...(onRateLimit === undefined ? {} : { onRateLimit }),
  });
  const result = replay({
    recording,
    videoId: "42",
    speed: Number.POSITIVE_INFINITY,
    fromSeconds: 0,
    limit: Number.POSITIVE_INFINITY,
    runId: "test",
    api,
    authors: guestAuthors(api),
    clock: systemClock,
    signal,
    ...options,
  });
  return { server, result, api };
}

describe("a replay", () => {
  test("posts every comment once, in order of time, each author as one guest", async () => {
    const { server, result } = run(
      recordingOf([0, "Ana", "one"], [2, "Ben", "three"], [1, "Ana", "two"], [3, "Ana", "four"]),
    );
    expect(await result).toMatchObject({ posted: 4, authors: 2, cut: 0, empty: 0, refused: 0 });
    expect(server.comments.map((each) => `${each.author}: ${each.text}`)).toEqual([
      "Ana: one",
      "Ana: two",
      "Ben: three",
      "Ana: four",
    ]);
    expect(server.guests).toEqual(["Ana", "Ben"]);
  });

  test("keeps the time between comments, divided by the speed; the first is at once", async () => {
    const started = performance.now();
    const { result } = run(
      recordingOf([600, "Ana", "a"], [603, "Ana", "b"], [606, "Ana", "c"]),
      {},
      { speed: 20 },
    );
    await result;
    const elapsedMs = performance.now() - started;
    expect(elapsedMs).toBeGreaterThanOrEqual(295);
    expect(elapsedMs).toBeLessThan(5_000);
  });

  test("waits as long as a 429 says, then posts the same comment", async () => {
    const waits: number[] = [];
    const { server, result } = run(
      recordingOf([0, "Ana", "one"], [0, "Ana", "two"]),
      {
        refuse: (_, attempt) =>
          attempt === 2 ? refusal(429, "rate-limited", { retryAfterMs: 40 }) : undefined,
      },
      { onRateLimit: (ms) => waits.push(ms) },
    );
    expect(await result).toMatchObject({ posted: 2 });
    expect(waits).toEqual([40]);
    expect(server.comments.map((each) => each.text)).toEqual(["one", "two"]);
  });

  test("repeats after a 503 with the same clientId: one comment", async () => {
    const { server, result } = run(recordingOf([0, "Ana", "one"]), {
      refuse: (_, attempt) => (attempt < 3 ? refusal(503, "unavailable") : undefined),
    });
    expect(await result).toMatchObject({ posted: 1 });
    expect(server.attempts).toHaveLength(3);
    expect(server.comments.map((each) => each.clientId)).toEqual(["test-line-1"]);
  });

  test("cuts what is too long, leaves out what is empty, and counts both", async () => {
    const { server, result } = run(
      recordingOf(
        [0, "Ana", "é".repeat(201)],
        [0, "Ana", " \u200b\n "],
        [0, "Ana", "two\nlines\u0000"],
      ),
    );
    expect(await result).toMatchObject({ posted: 2, cut: 1, empty: 1 });
    expect(server.comments.map((each) => each.text)).toEqual(["é".repeat(200), "two lines"]);
  });

  test("continues after a refused comment, and ends where all are refused", async () => {
    const said: string[] = [];
    const taken = run(
      recordingOf([0, "Ana", "bad"], [1, "Ana", "good"]),
      { refuse: (text) => (text === "bad" ? refusal(400, "invalid-text") : undefined) },
      { onRefused: (comment, reason) => said.push(`${comment.where} ${reason}`) },
    );
    expect(await taken.result).toMatchObject({ posted: 1, refused: 1 });
    expect(said).toEqual(["line 1 invalid-text: refused: invalid-text"]);
    await taken.server.stop();

    const { result } = run(recordingOf([0, "Ana", "a"], [0, "Ana", "b"]), {
      refuse: () => refusal(404, "unknown-video"),
    });
    expect(await result.catch((error: unknown) => error)).toBeInstanceOf(RefusedError);
  });

  test("REFUSALS_SHOWN_MAX: so many refused comments are shown, all are counted", async () => {
    const shown: string[] = [];
    const refused = REFUSALS_SHOWN_MAX + 2;
    const comments = Array.from({ length: refused }, (_, index) => [index, "Ana", "bad"] as const);
    const { result } = run(
      recordingOf(...comments),
      { refuse: () => refusal(400, "invalid-text") },
      { onRefused: ({ where }) => shown.push(where) },
    );
    expect(await result).toMatchObject({ posted: 0, refused });
    expect(shown).toEqual(comments.slice(0, REFUSALS_SHOWN_MAX).map((_, at) => `line ${at + 1}`));
  });

  test("an author whose name the server refuses gets another, whenever it is refused", async () => {
    const refused = new Set(["Moderator", "Ana"]);
    const { server, result } = run(
      recordingOf([0, "Moderator", "a"], [1, "Ben", "b"], [2, "Moderator", "c"], [3, "Ana", "d"]),
      { refuseName: (name) => (refused.has(name) ? refusal(409, "name-taken") : undefined) },
    );
    expect(await result).toMatchObject({ posted: 4, authors: 3, refused: 0, renamed: 2 });
    const [first, , third] = server.comments.map(({ author }) => author);
    expect(first).toMatch(/^Moderator [0-9a-f]{4}$/);
    expect(third).toBe(first ?? "");
    await server.stop();

    // The name is free until a member of that name comes.
    const later = run(recordingOf([0, "Ana", "a"], [1, "Ana", "b"]), {
      refuse: (_, attempt) => (attempt === 2 ? refusal(409, "name-taken") : undefined),
    });
    expect(await later.result).toMatchObject({ posted: 2, refused: 0, renamed: 1 });
    expect(later.server.comments.map(({ author }) => author)).toEqual([
      "Ana",
      expect.stringMatching(/^Ana [0-9a-f]{4}$/),
    ]);
  });

  test("an author whose names are all refused is counted, and the replay continues", async () => {
    const { server, result } = run(recordingOf([0, "Ana", "a"], [1, "Ben", "b"]), {
      refuseName: (name) => (/Ben/.test(name) ? undefined : refusal(400, "invalid-text")),
    });
    expect(await result).toMatchObject({ posted: 1, refused: 1 });
    expect(server.guests.slice(0, 3)).toEqual([
      "Ana",
      expect.stringMatching(/^Ana [0-9a-f]{4}$/),
      expect.stringMatching(/^viewer [0-9a-f]{6}$/),
    ]);
  });

  test("begins where it is told and stops after the limit", async () => {
    const { server, result } = run(
      recordingOf([1, "A", "1"], [2, "A", "2"], [3, "A", "3"], [4, "A", "4"]),
      {},
      { fromSeconds: 2, limit: 2 },
    );
    await result;
    expect(server.comments.map((each) => each.text)).toEqual(["2", "3"]);
  });

  test("stops at once when it is interrupted, and tells what was done", async () => {
    const stop = new AbortController();
    const { result } = run(
      recordingOf([0, "A", "1"], [3600, "A", "2"]),
      {},
      { speed: 1, signal: stop.signal, onProgress: () => stop.abort() },
    );
    expect(await result).toMatchObject({ posted: 1 });
  });
});

describe("authors", () => {
  test("signed authors are one member every time, and moderate only in this video", async () => {
    const claims: unknown[] = [];
    const authors = signedAuthors(async (claim) => {
      claims.push(claim);
      return `token ${claims.length}`;
    }, "42");
    const first = await authors.author("Ana", "moderator");
    expect(await authors.author("Ana", "moderator")).toBe(first);
    await authors.author("Ben", "member");
    expect(claims).toEqual([
      {
        sub: expect.stringMatching(/^replay\.[0-9a-f]{16}$/),
        name: "Ana",
        role: "member",
        roles: { "42": "moderator" },
      },
      {
        sub: expect.stringMatching(/^replay\.[0-9a-f]{16}$/),
        name: "Ben",
        role: "member",
        roles: {},
      },
    ]);
  });

  test("with one token for all, the author's name stands before the text", async () => {
    const { server, result } = run(
      recordingOf([0, "Ana", "hi"]),
      {},
      { authors: oneAuthor("member Bot") },
    );
    await result;
    expect(server.comments).toMatchObject([{ author: "Bot", text: "Ana: hi" }]);
  });
});
