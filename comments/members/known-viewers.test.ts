import { expect, test } from "bun:test";
import { type Topic, topicOf } from "@ovation/protocol";
import { KNOWN_VIEWERS_AGE_MS, KNOWN_VIEWERS_MAX } from "../limits.ts";
import { createKnownViewers } from "./known-viewers.ts";

function open() {
  let now = 1000;
  let isAway = false;
  let isUnknown = false;
  let failures = 0;
  const counts = new Map<Topic, number>();
  const viewers = createKnownViewers({
    clock: { now: () => now, after: () => () => undefined },
    async ask(topics) {
      if (isAway) throw new Error("no dispatcher answers");
      return new Map(
        topics.flatMap((topic) => (isUnknown ? [] : [[topic, counts.get(topic) ?? 0]])),
      );
    },
    onFailure: () => {
      failures++;
    },
  });
  const of = async (id: string) =>
    (await viewers([topicOf("video", id)])).get(topicOf("video", id));
  return {
    viewers,
    of,
    count: (id: string, number: number) => counts.set(topicOf("video", id), number),
    setAway: (away: boolean) => {
      isAway = away;
    },
    setUnknown: (unknown: boolean) => {
      isUnknown = unknown;
    },
    pass: (ms: number) => {
      now += ms;
    },
    failures: () => failures,
  };
}

test("the last number stands while no dispatcher answers, and no longer", async () => {
  const { of, count, setAway, failures } = open();
  count("a", 60);
  expect(await of("a")).toBe(60);
  count("a", 12);
  setAway(true);
  expect([await of("a"), await of("b"), failures()]).toEqual([60, 0, 2]);
  setAway(false);
  expect(await of("a")).toBe(12);
  count("a", 0);
  expect(await of("a")).toBe(0);
  setAway(true);
  expect(await of("a")).toBe(0);
});

test("a dispatcher that does not know a number now leaves the last one standing", async () => {
  const { of, count, setUnknown, failures } = open();
  count("a", 60);
  await of("a");
  setUnknown(true);
  expect([await of("a"), await of("b"), failures()]).toEqual([60, 0, 0]);
  setUnknown(false);
  count("a", 61);
  expect(await of("a")).toBe(61);
});

test("KNOWN_VIEWERS_AGE_MS: a number stands for so long", async () => {
  const { of, count, setAway, pass } = open();
  count("a", 60);
  await of("a");
  setAway(true);
  pass(KNOWN_VIEWERS_AGE_MS - 1);
  expect(await of("a")).toBe(60);
  pass(1);
  expect(await of("a")).toBe(0);
});

test("KNOWN_VIEWERS_MAX: the numbers that were asked for least recently are evicted", async () => {
  const { of, viewers, count, setAway } = open();
  const ids = Array.from({ length: KNOWN_VIEWERS_MAX + 1 }, (_, index) => String(index));
  for (const id of ids) count(id, 3);
  await viewers(ids.map((id) => topicOf("video", id)));
  setAway(true);
  expect([await of("0"), await of("1"), await of(ids.at(-1) ?? "")]).toEqual([0, 3, 3]);
});
