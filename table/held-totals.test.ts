/** What is answered while a store is not whole, on a clock that the test moves. */

import { expect, test } from "bun:test";
import { topicOf } from "@ovation/protocol";
import { HELD_TOTAL_AGE_MS, HELD_TOTALS_MAX, HELD_TOTALS_MS, HeldTotals } from "./held-totals.ts";

const topic = topicOf("video", "1");

function open(withholds = true) {
  let now = 1000;
  const held = new HeldTotals({ now: () => now, after: () => () => undefined }, withholds);
  return {
    held,
    pass: (ms: number) => {
      now += ms;
    },
    ask: (identity: string, all: number, local = all, ageMs = Number.POSITIVE_INFINITY) =>
      held.answer({ identity, ageMs }, [topic], [{ local, all }])[0],
  };
}

test("HELD_TOTALS_MS: a total does not fall after a loss, until the reports are whole", () => {
  const { ask, pass } = open();
  expect(ask("one", 60, 40)).toEqual({ local: 40, all: 60 });
  expect(ask("two", 0)).toEqual({ local: 40, all: 60 });
  pass(1000);
  expect(ask("two", 45, 20)).toEqual({ local: 40, all: 60 });
  // More is told at once.
  expect(ask("two", 61, 41)).toEqual({ local: 41, all: 61 });
  pass(HELD_TOTALS_MS - 1001);
  expect(ask("two", 50)?.all).toBe(61);
  pass(1);
  expect(ask("two", 50)?.all).toBe(50);
});

test("a process that starts beside a store that has just lost everything knows no total", () => {
  const { ask, pass } = open();
  expect(ask("one", 20, 20, 1000)).toBeUndefined();
  pass(HELD_TOTALS_MS - 1001);
  expect(ask("one", 40, 40, HELD_TOTALS_MS - 1)).toBeUndefined();
  pass(1);
  expect(ask("one", 60, 60, HELD_TOTALS_MS)?.all).toBe(60);
});

test("without withholding, a topic of which nothing is known has what the store has of it", () => {
  const { ask } = open(false);
  expect([20, 30, 10, 0].map((all) => ask("one", all, all, 1000)?.all)).toEqual([20, 30, 10, 0]);
  expect(ask("two", 30)?.all).toBe(30);
});

test("a total falls at once where nothing was lost; a first life that is old is no loss", () => {
  const { ask } = open();
  expect([60, 3, 0, 7].map((all) => ask("one", all)?.all)).toEqual([60, 3, 0, 7]);
});

test("a loss that follows another one keeps what was known before the first", () => {
  const { ask, pass } = open();
  ask("one", 60);
  expect(ask("two", 0)?.all).toBe(60);
  pass(HELD_TOTALS_MS - 1);
  expect(ask("three", 20)?.all).toBe(60);
  pass(HELD_TOTALS_MS - 1);
  expect(ask("three", 20)?.all).toBe(60);
  pass(1);
  expect(ask("three", 20)?.all).toBe(20);
});

test("a total that grows while the store is not whole is what is known at the next loss", () => {
  const { ask } = open();
  ask("one", 60);
  expect([ask("two", 20)?.all, ask("two", 80)?.all, ask("three", 0)?.all]).toEqual([60, 80, 80]);
});

test("losses without end hold a total no longer than its age", () => {
  const { ask, pass } = open();
  ask("one", 60);
  for (let ms = 0; ms < HELD_TOTAL_AGE_MS; ms += 1000) {
    expect(ask(`life ${ms}`, 3)?.all).toBe(60);
    pass(1000);
  }
  expect(ask("another", 3)).toBeUndefined();
});

test("HELD_TOTAL_AGE_MS: an older total does not stand in, nor does one that had ended", () => {
  const { ask, pass } = open();
  ask("one", 60);
  pass(HELD_TOTAL_AGE_MS);
  expect(ask("two", 2)).toBeUndefined();
  const other = open();
  other.ask("one", 60);
  other.ask("one", 0);
  expect(other.held.size).toBe(0);
  expect(other.ask("two", 2)).toBeUndefined();
});

test("HELD_TOTALS_MAX: the totals that were asked for least recently are evicted", () => {
  const { held } = open();
  const topics = Array.from({ length: HELD_TOTALS_MAX + 10 }, (_, id) => topicOf("video", `${id}`));
  const ageMs = Number.POSITIVE_INFINITY;
  held.answer(
    { identity: "one", ageMs },
    topics,
    topics.map(() => ({ local: 5, all: 5 })),
  );
  expect(held.size).toBe(HELD_TOTALS_MAX);
  const none = topics.map(() => ({ local: 0, all: 0 }));
  const answered = held.answer({ identity: "two", ageMs }, topics, none).map((total) => total?.all);
  expect(answered.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => undefined));
  expect(answered.slice(10).every((all) => all === 5)).toBe(true);
});
