import { afterEach, describe, expect, spyOn, test } from "bun:test";
import type { Client, Comment, TopicHandlers } from "@ovation/client";
import { ApiError } from "@ovation/client";
import fc from "fast-check";
import {
  CATCH_UP_PAGE,
  CATCH_UP_PAGES_MAX,
  EMPTY_PAGES_MAX,
  HISTORY_PAGE,
  RELOAD_ASKED_MS_MAX,
  RELOAD_WAIT_MS,
} from "./limits.ts";
import { TIME_MS_MAX } from "./read.ts";
import { Session } from "./session.ts";

type Handlers = Record<string, (event: unknown) => void>;
type History = (query: Record<string, number>) => unknown;

const author = { id: "a", name: "Ana", role: "member" } as const;
const comment = (seq: number): Comment => ({
  seq,
  at: 1_700_000_000_000 + seq,
  text: `t${seq}`,
  author,
});
const INFO = {
  id: "v",
  title: "v",
  live: true,
  viewers: 3,
  likes: { like: 2 },
  comments: 0,
  head: 0,
};
const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});

/** A session over a client whose responses the test sets, and what is reported to the page. */
function begin({
  info = INFO,
  history = () => ({ comments: [], head: 0 }),
}: {
  info?: unknown;
  history?: History;
} = {}) {
  const heard = { arrived: [] as Comment[], liked: 0, skipped: 0 };
  let handlers: Handlers = {};
  const client = {
    video: () => ({
      topic: "video:v",
      info: async () => info,
      history: async (query: Record<string, number>) => history(query),
      comment: async () => "no comment",
      remove: async () => {},
      like: () => {},
    }),
    subscribe: (_: string, given: TopicHandlers) => {
      handlers = given as unknown as Handlers;
      return { topic: "video:v", unsubscribe: () => {} };
    },
    onState: () => () => {},
  } as unknown as Client;
  const session = new Session(client, "v", {
    changed: () => {},
    arrived: (each) => heard.arrived.push(each),
    removed: () => {},
    liked: (count) => {
      heard.liked += count;
    },
    skipped: (count) => {
      heard.skipped = count;
    },
  });
  sessions.push(session);
  const receive = (type: string, data: unknown, seq?: number, at: unknown = 1_700_000_000_000) =>
    handlers[type]?.({ topic: "video:v", type, at, data, ...(seq !== undefined && { seq }) });
  return { session, heard, receive, handlers };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const seqs = (session: Session) => session.store.items.map(({ seq }) => seq);

/** Values that a publisher could send in place of what is expected. */
const odd: readonly unknown[] = [
  null,
  0,
  "text",
  [],
  {},
  { text: 7, author },
  { text: "no author" },
  { text: "x", author: null },
  { text: "x", author: { id: 1, name: "n", role: "member" } },
  { text: "x", author: { id: "i", name: { toString: 1 }, role: "member" } },
];

test("a deleted video shows no comments, announced by an event or by a response", async () => {
  const { session, receive } = begin({ history: () => ({ comments: [comment(1)], head: 1 }) });
  await settled();
  expect(session.store.items).toHaveLength(1);
  receive("video-deleted", {}, 2);
  expect([session.deleted, session.store.items.length]).toEqual([true, 0]);
  const late = begin({
    history: () => Promise.reject(new ApiError("video-deleted", 410, "The video was deleted")),
  });
  await settled();
  expect(late.session.deleted).toBe(true);
});

describe("an item of another form", () => {
  test("is left out and counted, and those around it are shown", () => {
    const warn = spyOn(console, "warn").mockImplementation(() => {});
    const { session, heard, receive } = begin();
    receive("comment", { text: "first", author }, 1);
    for (const [index, data] of odd.entries()) receive("comment", data, index + 2);
    receive("comment", { text: "last", author }, odd.length + 2);
    expect(session.store.items.map(({ text }) => text)).toEqual(["first", "last"]);
    expect(heard.skipped).toBe(odd.length);
    expect(session.skips.count).toBe(odd.length);
    // The console hears of the first only, and never what was in it.
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });

  test("whose time is beyond TIME_MS_MAX is left out: Date and Intl would throw", () => {
    const { session, heard, receive } = begin();
    for (const at of [TIME_MS_MAX + 1, Number.NaN, "now", null])
      receive("comment", { text: "x", author }, 1, at);
    receive("comment", { text: "y", author }, 2);
    expect(seqs(session)).toEqual([2]);
    expect(heard.skipped).toBe(4);
  });

  test("of likes, viewers, removals and pins changes no number and stops nothing", async () => {
    const { session, heard, receive } = begin();
    await settled();
    for (const data of [null, 1, "x", [], { like: 3 }, { total: 4 }, { total: null }])
      receive("likes", data);
    for (const data of [null, {}, { viewers: "many" }, { viewers: -1 }]) receive("stats", data);
    for (const data of [null, {}, { seq: "3" }, []]) receive("comment-removed", data, 9);
    for (const data of [null, {}, { seq: "3" }, 5]) receive("pin", data, 9);
    await settled();
    expect([session.likes, session.viewers, session.pinned]).toEqual([2, 3, undefined]);
    expect(heard.skipped).toBe(15);
    receive("likes", { like: 3, total: { like: 10, clap: "many" }, clap: {} });
    receive("stats", { viewers: 8, head: 1 });
    expect([session.likes, session.viewers, heard.liked]).toEqual([10, 8, 3]);
  });

  test("in the snapshot, in history or pinned leaves the others on the page", async () => {
    const { session, heard } = begin({
      info: { ...INFO, likes: { like: 5, odd: [] }, viewers: "3", pinned: { text: 4 } },
      history: () => ({ comments: [comment(1), null, { seq: 2 }, comment(3), 7], head: 3 }),
    });
    await settled();
    expect(session.snapshot).toBe("ready");
    expect(seqs(session)).toEqual([1, 3]);
    expect([session.likes, session.viewers, session.pinned]).toEqual([5, undefined, undefined]);
    expect(heard.skipped).toBe(4);
  });

  test("answers of no form at all are a failed snapshot, which can be tried again", async () => {
    const { session } = begin({ info: null, history: () => "a proxy's page" });
    await settled();
    expect(session.snapshot).toBe("failed");
    expect(session.standing).toBe("failed");
  });

  test("whatever it is, it never throws into the stream and never hides a comment", () => {
    const warn = spyOn(console, "warn").mockImplementation(() => {});
    const types = fc.constantFrom("comment", "comment-removed", "likes", "stats", "pin");
    const value = fc.oneof(
      fc.anything({ withNullPrototype: true, maxDepth: 3 }),
      fc.record(
        {
          text: fc.anything(),
          author: fc.record(
            { id: fc.anything(), name: fc.anything(), role: fc.anything() },
            { requiredKeys: [] },
          ),
          seq: fc.anything(),
          total: fc.anything(),
          viewers: fc.anything(),
          clientId: fc.anything(),
          replyTo: fc.anything(),
          removed: fc.anything(),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(types, value, fc.anything()), { maxLength: 30 }), (events) => {
        const { session, receive } = begin();
        for (const [index, [type, data, at]] of events.entries())
          receive(type, data, index + 1, at);
        receive("comment", { text: "last", author }, 1_000_000);
        expect(session.store.items.at(-1)?.text).toBe("last");
        for (const item of session.store.items) {
          // What a row does with them.
          expect(() => new Date(item.at).toISOString()).not.toThrow();
          expect([typeof item.text, typeof item.author.id, typeof item.author.name]).toEqual([
            "string",
            "string",
            "string",
          ]);
        }
        expect(Number.isSafeInteger(session.likes)).toBe(true);
        session.close();
      }),
      { interruptAfterTimeLimit: 2000 },
    );
    warn.mockRestore();
  });
});

describe("history", () => {
  const page = (from: number, count: number, odd = false) =>
    Array.from({ length: count }, (_, index) =>
      odd ? { seq: from + index, text: null } : comment(from + index),
    );

  test("continues past pages of which nothing can be shown", async () => {
    const asked: (number | undefined)[] = [];
    const { session } = begin({
      history: ({ before }) => {
        asked.push(before);
        if (before === undefined) return { comments: page(301, HISTORY_PAGE), head: 350 };
        return before > 51
          ? { comments: page(before - HISTORY_PAGE, HISTORY_PAGE, true), head: 350 }
          : { comments: page(1, before - 1), head: 350 };
      },
    });
    await settled();
    const earlier: number[] = [];
    for (let presses = 0; presses < 3 && earlier.length === 0; presses++)
      for (const { seq } of await session.earlier(301)) earlier.push(seq ?? 0);
    expect(earlier).toEqual(page(1, HISTORY_PAGE).map(({ seq }) => seq));
    expect(asked).toEqual([undefined, 301, 251, 201, 151, 101, 51]);
  });

  test("stops after EMPTY_PAGES_MAX empty pages, and continues at the next press", async () => {
    let asked = 0;
    const { session } = begin({
      history: ({ before = 100_001 }) => {
        asked++;
        const odd = asked > 1;
        return { comments: page(before - HISTORY_PAGE, HISTORY_PAGE, odd), head: 100_000 };
      },
    });
    await settled();
    expect(await session.earlier(100_001 - HISTORY_PAGE)).toEqual([]);
    expect(asked).toBe(1 + EMPTY_PAGES_MAX);
    expect(session.hasEarlier).toBe(true);
    expect(await session.earlier(100_001 - HISTORY_PAGE)).toEqual([]);
    expect(asked).toBe(1 + 2 * EMPTY_PAGES_MAX);
  });

  test("reads CATCH_UP_PAGES_MAX pages behind the snapshot at most", async () => {
    let later = 0;
    const { session, handlers } = begin({
      history: ({ after, limit = 0 }) => {
        if (after === undefined) return { comments: [comment(1)], head: 1 };
        later++;
        return { comments: page(after + 1, limit), head: 1 };
      },
    });
    handlers["onSubscribed"]?.({ head: 1_000_000 });
    await settled();
    await settled();
    expect(later).toBe(CATCH_UP_PAGES_MAX);
    expect(session.store.items.at(-1)?.seq).toBe(1 + CATCH_UP_PAGES_MAX * CATCH_UP_PAGE);
  });

  test("follows a server's wish to wait up to RELOAD_ASKED_MS_MAX", async () => {
    const waits: number[] = [];
    const timer = spyOn(globalThis, "setTimeout").mockImplementation(((_: unknown, ms = 0) => {
      waits.push(ms);
      return 0;
    }) as unknown as typeof setTimeout);
    const warn = spyOn(console, "warn").mockImplementation(() => {});
    begin({ history: () => Promise.reject(new ApiError("rate-limited", 429, "slowly", 1e9)) });
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    timer.mockRestore();
    warn.mockRestore();
    const longest = Math.max(...waits);
    expect(longest).toBeGreaterThanOrEqual(RELOAD_ASKED_MS_MAX);
    expect(longest).toBeLessThanOrEqual(RELOAD_ASKED_MS_MAX + 2 * RELOAD_WAIT_MS.first);
  });

  test("follows the server's cursor where a page is short and more is there", async () => {
    const asked: (number | undefined)[] = [];
    const { session } = begin({
      history: ({ before }) => {
        asked.push(before);
        if (before === undefined) return { comments: [comment(700)], head: 700, next: 650 };
        if (before === 650) return { comments: [], head: 700, next: 60 };
        return { comments: page(1, 3), head: 700 };
      },
    });
    await settled();
    expect(session.hasEarlier).toBe(true);
    expect((await session.earlier(700)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(session.hasEarlier).toBe(false);
    expect(asked).toEqual([undefined, 650, 60]);
  });

  test("that is rate-limited shows the wait, and is retried when allowed", async () => {
    let refusals = 1;
    const { session } = begin({
      history: () => {
        if (refusals-- > 0) throw new ApiError("rate-limited", 429, "slowly", 10);
        return { comments: [comment(1)], head: 1 };
      },
    });
    const warn = spyOn(console, "warn").mockImplementation(() => {});
    await settled();
    expect([session.snapshot, session.standing]).toEqual(["loading", "waiting"]);
    await new Promise((resolve) => setTimeout(resolve, 2300));
    expect([session.snapshot, session.standing, seqs(session)]).toEqual(["ready", "whole", [1]]);
    warn.mockRestore();
  });

  test("that is read again because the past is lost says so, before and after", async () => {
    const { session, handlers } = begin({ history: () => ({ comments: [comment(9)], head: 9 }) });
    await settled();
    expect(session.standing).toBe("whole");
    handlers["onReset"]?.({ topic: "video:v", head: 9 });
    expect(session.standing).toBe("reloading");
    await settled();
    expect(session.standing).toBe("reloaded");
  });
});
