import { describe, expect, test } from "bun:test";
import type { Entry, History, Injected, Like } from "../history/history.ts";
import { checkLikes } from "./likes-checker.ts";
import type { ViolationKind } from "./violation.ts";

const TOPIC = "video:a";
const PROCESS = "east/comments-0";

/** Ten requests of two likes, one each second, all accepted by one process. */
function wholeHistory() {
  return {
    likes: Array.from({ length: 10 }, (_, index) => like(index * 1000)),
    faults: [] as Injected[],
    lostAtStop: [] as History["lostAtStop"][number][],
    atEnd: [said(PROCESS, 20), said("east/comments-1", 20)],
    sdk: [] as Entry[],
    plain: [] as Entry[],
  };
}

function like(sentAt: number, outcome: Like["outcome"] = "acknowledged"): Like {
  return { process: PROCESS, topic: TOPIC, count: 2, sentAt, endedAt: sentAt + 5, outcome };
}

function said(process: string, likes: number) {
  return { process, topic: TOPIC, likes, viewers: 0 };
}

const kill = (from: number): Injected => ({
  kind: "kill -9 comments",
  target: PROCESS,
  from,
  to: from + 1000,
});
const total = (likes: number, at: number): Entry => ({ kind: "total", topic: TOPIC, likes, at });
const connected = (at: number): Entry => ({ kind: "connected", at, frontend: "f" });

function judge(change: (whole: ReturnType<typeof wholeHistory>) => void) {
  const whole = wholeHistory();
  change(whole);
  const { sdk, plain, ...history } = whole;
  const violations: ViolationKind[] = [];
  const viewer = { topics: [TOPIC], presentAtEnd: true };
  const counts = checkLikes(
    {
      ...history,
      publishes: [],
      log: new Map(),
      counted: undefined,
      viewers: [
        { ...viewer, name: "sdk", form: "sdk", entries: sdk },
        { ...viewer, name: "plain", form: "plain", entries: plain },
      ],
    },
    (kind) => violations.push(kind),
  );
  return { kinds: [...new Set(violations)].sort(), counts };
}

const planted = (change: (whole: ReturnType<typeof wholeHistory>) => void) => judge(change).kinds;

function ends(whole: ReturnType<typeof wholeHistory>, likes: number): void {
  whole.atEnd = [said(PROCESS, likes), said("east/comments-1", likes)];
}

test("what was accepted is the total at the end: no violation", () => {
  expect(judge(() => undefined)).toEqual({
    kinds: [],
    counts: { accepted: 20, unknown: 0, stored: 20, lostInFaults: 0 },
  });
});

test("a request without an answer may have been counted, a refused one may not", () => {
  const unknown = (whole: ReturnType<typeof wholeHistory>) =>
    void whole.likes.push(like(9500, "unknown"));
  expect(planted(unknown)).toEqual([]);
  expect(
    planted((whole) => {
      unknown(whole);
      ends(whole, 22);
    }),
  ).toEqual([]);
  expect(
    planted((whole) => {
      whole.likes.push(like(9500, "refused"));
      ends(whole, 22);
    }),
  ).toEqual(["likes-over"]);
});

describe("what is planted is caught", () => {
  test("likes that are counted twice", () => {
    expect(planted((whole) => ends(whole, 22))).toEqual(["likes-over"]);
  });

  test("likes that are lost without a kill", () => {
    expect(planted((whole) => ends(whole, 19))).toEqual(["likes-lost"]);
  });

  test("processes that do not agree", () => {
    const disagree = (whole: ReturnType<typeof wholeHistory>) =>
      void whole.atEnd.splice(1, 1, said("east/comments-1", 19));
    expect(planted(disagree)).toContain("likes-disagree");
  });

  test("a kill explains what the process accepted in its last moments, and no more", () => {
    const killed = (likes: number, at = 9100) =>
      planted((whole) => {
        whole.faults.push(kill(at));
        ends(whole, likes);
      });
    // Accepted within three seconds before the last: four requests.
    expect(killed(12)).toEqual([]);
    expect(killed(11)).toEqual(["likes-lost"]);
    // Of another kill that the process survived long before, nothing that came after it.
    expect(killed(19, 0)).toEqual([]);
    expect(killed(17, 0)).toEqual(["likes-lost"]);
  });

  test("a kill of another process explains nothing", () => {
    expect(
      planted((whole) => {
        whole.faults.push({ ...kill(9100), target: "east/comments-1" });
        ends(whole, 19);
      }),
    ).toEqual(["likes-lost"]);
  });

  test("a stop explains as many as it said, over all topics", () => {
    const stopped = (likes: number, others: number) =>
      planted((whole) => {
        whole.lostAtStop.push({ process: PROCESS, at: 9100, likes: 3 });
        ends(whole, likes);
        whole.likes.push({ ...like(9500), topic: "video:b", count: 10 });
        whole.atEnd.push({ ...said(PROCESS, others), topic: "video:b" });
      });
    expect(stopped(17, 10)).toEqual([]);
    expect(stopped(16, 10)).toEqual(["likes-lost"]);
    expect(stopped(17, 9)).toEqual(["likes-lost"]);
  });

  test("a total that falls: on a connection, and at the SDK over all connections", () => {
    const seen = [connected(0), total(4, 2500), total(2, 2600)];
    expect(planted((whole) => void whole.plain.push(...seen))).toEqual(["total-fell"]);
    const moved = [connected(0), total(4, 2500), connected(2550), total(2, 2600)];
    expect(planted((whole) => void whole.plain.push(...moved))).toEqual([]);
    expect(planted((whole) => void whole.sdk.push(...moved))).toEqual(["total-fell"]);
  });

  test("a viewer receives a total above what had been sent", () => {
    expect(planted((whole) => void whole.sdk.push(total(6, 1500)))).toEqual(["likes-over"]);
    expect(planted((whole) => void whole.sdk.push(total(6, 2000)))).toEqual([]);
  });
});
