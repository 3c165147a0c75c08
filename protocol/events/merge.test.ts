import { expect, test } from "bun:test";
import fc from "fast-check";
import { DEFAULT_POLICY, type TypePolicy } from "../policy.ts";
import { topicOf } from "../topic.ts";
import { type Event, toJsonText } from "./event.ts";
import { createMergeRules, mergeEvents, mergeKeyOf, raiseTotals } from "./merge.ts";

const topic = topicOf("video", "1");
const eventOf = (type: string, data: unknown, at = 1): Event => ({
  topic,
  type,
  at,
  data: toJsonText(data),
});
const SUM: TypePolicy = { lane: "live", merge: "sum" };
const LATEST: TypePolicy = { lane: "live", merge: "latest", per: "from" };
const merge = (earlier: unknown, later: unknown): unknown =>
  JSON.parse(mergeEvents(eventOf("likes", earlier), eventOf("likes", later), SUM).data);

test("only live events of types that merge have a rule", () => {
  const rules = createMergeRules(DEFAULT_POLICY);
  expect(rules(eventOf("likes", {}))).toMatchObject({ merge: "sum" });
  expect(rules(eventOf("goal", {}))).toBeUndefined();
  expect(rules({ ...eventOf("likes", {}), topic: topicOf("member", "a") })).toBeUndefined();
  const place = { seq: 1, epoch: "e", stamp: 1 };
  expect(rules({ ...eventOf("likes", {}), place })).toBeUndefined();
});

test("a kind whose default type merges has a rule for every name", () => {
  const [video] = [DEFAULT_POLICY["video"]];
  if (video === undefined) throw new Error("no kind video");
  const rules = createMergeRules({ video: { ...video, defaultType: SUM } });
  expect(rules(eventOf("goal", {}))).toMatchObject({ merge: "sum" });
});

test("numbers add up by property; of totals the larger one is kept", () => {
  expect(merge({ like: 1, heart: 2 }, { like: 3 })).toEqual({ like: 4, heart: 2 });
  expect(merge({ like: 1, total: { like: 9 } }, { like: 1, total: { like: 8 } })).toEqual({
    like: 2,
    total: { like: 9 },
  });
});

test("the merged event has the time of the later one; latest replaces the earlier one", () => {
  const [earlier, later] = [eventOf("likes", { a: 1 }, 1), eventOf("likes", { a: 2 }, 2)];
  expect(mergeEvents(earlier, later, SUM)).toEqual(eventOf("likes", { a: 3 }, 2));
  expect(mergeEvents(earlier, later, LATEST)).toBe(later);
});

test("the sum does not depend on where events meet", () => {
  const likes = fc.dictionary(fc.constantFrom("like", "heart", "fire"), fc.nat(1000));
  fc.assert(
    fc.property(likes, likes, likes, (a, b, c) => {
      expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
    }),
  );
});

test("the key of latest distinguishes the values of its property, also non-strings", () => {
  const keys = [{ from: "a" }, { from: "b" }, { from: { id: "a" } }, {}, 1].map((data) =>
    mergeKeyOf(eventOf("typing", data), LATEST),
  );
  expect(keys).toEqual(["typing a", "typing b", 'typing {"id":"a"}', "typing null", "typing null"]);
  expect(mergeKeyOf(eventOf("likes", {}), SUM)).toBe("likes");
  expect(mergeKeyOf(eventOf("goal", {}), { lane: "live" })).toBeUndefined();
});

test("a total never falls below that of the event before", () => {
  const before = eventOf("likes", { total: { like: 9, heart: 1 } });
  const raised = raiseTotals(before, eventOf("likes", { like: 1, total: { like: 8 } }));
  expect(JSON.parse(raised.data)).toEqual({ like: 1, total: { like: 9, heart: 1 } });
  const higher = eventOf("likes", { total: { like: 10, heart: 1 } });
  expect(raiseTotals(before, higher)).toBe(higher);
  const none = eventOf("likes", { like: 1 });
  expect(raiseTotals(before, none)).toBe(none);
});
