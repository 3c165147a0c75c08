import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  EVENT_DATA_BYTES_MAX,
  EVENT_TYPE_CHARACTERS_MAX,
  PENDING_LOSS_TOPICS_MAX,
  TOPIC_ID_CHARACTERS_MAX,
  TOPIC_KIND_CHARACTERS_MAX,
} from "../limits.ts";
import { DEFAULT_POLICY } from "../policy.ts";
import { type Topic, topicOf } from "../topic.ts";
import { EVENT_BYTES_MAX, type Event, isDurable, sizeOf, toJsonText } from "./event.ts";
import { formatGap, GAP_TYPE, parseGap } from "./gap.ts";
import { createMergeRules } from "./merge.ts";
import { createPendingCounts } from "./pending-counts.ts";
import { type PendingBounds, PendingEvents } from "./pending-events.ts";

const topic = topicOf("video", "1");
const live = (at: number, name: Topic = topic): Event => ({
  topic: name,
  type: "goal",
  at,
  data: toJsonText(at),
});
const durable = (seq: number): Event => ({
  topic,
  type: "comment",
  at: seq,
  data: toJsonText({ seq }),
  place: { seq, epoch: "e", stamp: seq },
});
const likes = (like: number, total: number, name: Topic = topic): Event => ({
  topic: name,
  type: "likes",
  at: total,
  data: toJsonText({ like, total: { like: total } }),
});
const typing = (from: string, at: number): Event => ({
  topic,
  type: "typing",
  at,
  data: toJsonText({ from }),
});

const MANY = { eventsMax: 1000, bytesMax: 1_000_000 };
const ROOMY: PendingBounds = { live: MANY, durable: MANY, lossTopicsMax: 100 };

function pending(bounds: Partial<PendingBounds> = {}, paced = false) {
  const counts = createPendingCounts();
  const rules = createMergeRules(DEFAULT_POLICY);
  const events = new PendingEvents({ rules, bounds: { ...ROOMY, ...bounds }, counts, paced });
  return { events, counts };
}

function pushAll(events: PendingEvents, all: readonly Event[], now = 0): void {
  for (const event of all) events.push(event, now);
}

function lostIn(events: readonly Event[]): number {
  return events.reduce(
    (sum, { type, data }) => sum + (type === GAP_TYPE ? (parseGap(data)?.lost ?? 0) : 0),
    0,
  );
}

function heapBytes(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}

describe("order and merging", () => {
  test("events leave in order of arrival, merged likes at the place of the first", () => {
    const { events, counts } = pending();
    pushAll(events, [live(1), likes(2, 2), durable(1), likes(3, 5), live(2)]);
    expect(events.take(2)).toEqual([live(1), { ...likes(5, 5), at: 5 }]);
    events.push(likes(1, 6), 0);
    expect(events.take()).toEqual([durable(1), live(2), likes(1, 6)]);
    expect(events.take()).toEqual([]);
    expect([events.size, events.bytes, counts.merged]).toEqual([0, 0, 1]);
  });

  test("a take is bounded in events and in bytes, and gives one event however large", () => {
    const { events } = pending();
    pushAll(events, [live(1), live(2), live(3)]);
    expect(events.take(10, 2 * sizeOf(live(1)))).toEqual([live(1), live(2)]);
    expect(events.take(10, 1)).toEqual([live(3)]);
  });

  test("merged events keep to the rate of their type, and may leave early with others", () => {
    const { events } = pending({}, true);
    events.push(likes(1, 1), 1000);
    expect(events.dueAt).toBe(1000);
    expect(events.take(undefined, undefined, 1000)).toHaveLength(1);
    pushAll(events, [likes(1, 2), likes(1, 3)], 1010);
    expect(events.dueAt).toBe(1250);
    expect(events.take(undefined, undefined, 1249)).toEqual([]);
    events.push(live(4), 1249);
    expect(events.take(undefined, undefined, 1249)).toEqual([live(4)]);
    expect(events.take(undefined, undefined, 1250)).toEqual([likes(2, 3)]);
    events.push(likes(1, 4), 2000, 500);
    expect(events.dueAt).toBe(2500);
    events.push(live(5), 2001);
    expect(events.take(undefined, undefined, 2001)).toEqual([live(5), likes(1, 4)]);
  });

  test("with more keys than pending live events allowed, the oldest rate is evicted", () => {
    const policy = {
      video: {
        ...DEFAULT_POLICY["video"]!,
        types: {
          score: { lane: "live", merge: "latest", per: "of", everyMs: 1000 },
        },
      },
    } as const;
    const events = new PendingEvents({
      rules: createMergeRules(policy),
      bounds: { ...ROOMY, live: { ...MANY, eventsMax: 2 } },
      counts: createPendingCounts(),
      paced: true,
    });
    const score = (of: string): Event => ({
      topic,
      type: "score",
      at: 0,
      data: toJsonText({ of }),
    });
    for (const of of ["a", "b", "c"]) {
      events.push(score(of), 10);
      events.take(undefined, undefined, 10);
    }
    pushAll(events, [score("a"), score("c")], 20);
    expect(events.take(undefined, undefined, 20)).toEqual([score("a")]);
  });
});

describe("at the bound", () => {
  test("the oldest plain live events are dropped, no durable ones; the loss comes first", () => {
    const { events, counts } = pending({ live: { ...MANY, eventsMax: 2 } });
    pushAll(events, [durable(1), live(1), likes(1, 1), live(2), durable(2), live(3), live(4)]);
    expect(counts).toEqual({
      merged: 0,
      droppedFull: 3,
      expired: 0,
      durable: { droppedFull: 0, expired: 0 },
      oversized: 0,
    });
    const [gap, ...left] = events.take();
    expect(gap).toMatchObject({ topic, type: GAP_TYPE, at: 3 });
    expect(parseGap(gap!.data)).toEqual({ lost: 3, from: 1, to: 3, reason: "busy" });
    expect(left).toEqual([durable(1), likes(1, 1), durable(2), live(4)]);
  });

  test("merged events are dropped only after all plain ones, and announced", () => {
    const { events, counts } = pending({ live: { ...MANY, eventsMax: 2 } });
    pushAll(events, [typing("ana", 1), live(2), typing("ben", 3)]);
    expect([counts.droppedFull, events.size]).toEqual([1, 3]);
    events.push(typing("cem", 4), 0);
    const [gap, ...left] = events.take();
    expect(parseGap(gap!.data)).toMatchObject({ lost: 2, from: 1, to: 2 });
    expect(left).toEqual([typing("ben", 3), typing("cem", 4)]);
  });

  test("the durable lane is full before one of the largest size would drop another", () => {
    const large = (seq: number): Event => ({
      ...durable(seq),
      topic: topicOf("k".repeat(TOPIC_KIND_CHARACTERS_MAX), "i".repeat(TOPIC_ID_CHARACTERS_MAX)),
      type: "t".repeat(EVENT_TYPE_CHARACTERS_MAX),
      data: toJsonText("x".repeat(EVENT_DATA_BYTES_MAX - 2)),
    });
    expect(sizeOf(large(1))).toBe(EVENT_BYTES_MAX);
    const { events, counts } = pending({ durable: { ...MANY, bytesMax: 3 * EVENT_BYTES_MAX } });
    let pushed = 0;
    while (!events.isDurableFull) events.push(large(++pushed), 0);
    expect([pushed, counts.droppedFull]).toEqual([3, 0]);
  });

  test("durable events keep order up to their own bound; the oldest are left to the log", () => {
    const { events, counts } = pending({ durable: { ...MANY, eventsMax: 2 } });
    pushAll(events, [durable(1), live(1), durable(2)]);
    expect(events.isDurableFull).toBe(true);
    pushAll(events, [durable(3), durable(4)]);
    expect(counts.durable).toEqual({ droppedFull: 2, expired: 0 });
    // No gap: no live event was lost.
    expect(events.take()).toEqual([live(1), durable(3), durable(4)]);
  });

  test("bytes are bounded as well, by lane, and one event is kept however large", () => {
    const { events } = pending({ live: { ...MANY, bytesMax: 1000 } });
    for (let at = 0; at < 10; at++)
      events.push({ ...live(at), data: toJsonText("x".repeat(400)) }, 0);
    expect(events.take().map(({ type, at }) => [type, at])).toEqual([
      [GAP_TYPE, 7],
      ["goal", 8],
      ["goal", 9],
    ]);
    pushAll(events, [live(1), { ...live(99), data: toJsonText("x".repeat(5000)) }]);
    expect(events.take().map(({ type, at }) => [type, at])).toEqual([
      [GAP_TYPE, 1],
      ["goal", 99],
    ]);
  });

  test("a pending durable event does not keep the slots of live ones dropped behind it", () => {
    const { events, counts } = pending({ live: { ...MANY, eventsMax: 9 } });
    const before = heapBytes();
    events.push(durable(1), 0);
    for (let at = 0; at < 500_000; at++) events.push(live(at), at);
    expect(heapBytes() - before).toBeLessThan(5_000_000);
    const [gap, first, ...left] = events.take();
    expect(parseGap(gap!.data)).toEqual({ lost: 499_991, from: 0, to: 499_990, reason: "busy" });
    expect(first).toEqual(durable(1));
    expect(left.map(({ at }) => at)).toEqual(
      Array.from({ length: 9 }, (_, index) => 499_991 + index),
    );
    expect(counts.droppedFull).toBe(499_991);
  });

  test("expired events are dropped by lane, counted and announced", () => {
    const { events, counts } = pending();
    events.push(live(1), 100);
    events.push(durable(1), 100);
    events.push(live(2), 200);
    events.expire(150, 50, 300);
    expect(counts).toMatchObject({ expired: 1, durable: { expired: 0 } });
    const [gap, ...left] = events.take();
    expect(parseGap(gap!.data)).toEqual({ lost: 1, from: 1, to: 1, reason: "away" });
    expect(left).toEqual([durable(1), live(2)]);
    events.push(durable(2), 400);
    events.expire(500, 500, 500);
    expect(counts).toMatchObject({ expired: 2, durable: { expired: 1 } });
  });

  test("each topic gets a gap for its losses; over the topic bound they are only counted", () => {
    const { events, counts } = pending({ live: { ...MANY, eventsMax: 1 }, lossTopicsMax: 2 });
    const topics = ["a", "b", "c"].map((id) => topicOf("video", id));
    pushAll(events, [...topics.map((name) => live(1, name)), live(2)]);
    expect(events.take().map(({ topic: name, type }) => [name, type])).toEqual([
      ["video:a", GAP_TYPE],
      ["video:b", GAP_TYPE],
      ["video:1", "goal"],
    ]);
    expect(counts.droppedFull).toBe(3);
    expect(PENDING_LOSS_TOPICS_MAX).toBeGreaterThanOrEqual(1000);
  });
});

describe("a gap from an earlier hop", () => {
  test("adds up with the losses here, takes no slot, and is never dropped", () => {
    const { events, counts } = pending({ live: { ...MANY, eventsMax: 1 } });
    events.push(formatGap(topic, { lost: 7, from: 10, to: 20, reason: "away" }), 0);
    expect([events.size, events.oldest]).toEqual([1, 0]);
    pushAll(events, [live(25), live(30)], 5);
    events.push(formatGap(topic, { lost: 2, from: 1, to: 2, reason: "busy" }), 6);
    const [gap, ...left] = events.take();
    expect(parseGap(gap!.data)).toEqual({ lost: 10, from: 1, to: 25, reason: "busy" });
    expect(left).toEqual([live(30)]);
    expect(counts.droppedFull).toBe(1);
  });

  test("an event that only looks like a gap is an ordinary event", () => {
    const { events } = pending();
    const forged = { ...live(1), type: GAP_TYPE, data: toJsonText({ lost: -1 }) };
    events.push(forged, 0);
    events.push({ ...forged, data: toJsonText(null) }, 0);
    expect(events.take()).toHaveLength(2);
  });
});

test("in any sequence order holds, and every event left, merged, expired or is announced", () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom("live" as const, "durable" as const, "likes" as const),
    },
    { weight: 1, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ expire: fc.integer({ min: 1, max: 30 }) }) },
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 12 }),
      (steps, liveMax, durableMax) => {
        const { events, counts } = pending({
          live: { ...MANY, eventsMax: liveMax },
          durable: { ...MANY, eventsMax: durableMax },
        });
        const out: Event[] = [];
        let pushed = 0;
        let now = 0;
        for (const one of steps) {
          now++;
          if (typeof one === "object") {
            if ("take" in one) out.push(...events.take(one.take));
            else events.expire(now - one.expire, now - 2 * one.expire, now);
            continue;
          }
          pushed++;
          events.push(
            one === "live" ? live(now) : one === "durable" ? durable(now) : likes(1, now),
            now,
          );
          expect(events.size).toBeLessThanOrEqual(liveMax + durableMax + 1);
        }
        out.push(...events.take());
        const kept = out.filter(({ type }) => type !== GAP_TYPE);
        const lostDurable = counts.durable.droppedFull + counts.durable.expired;
        expect(lostIn(out)).toBe(counts.droppedFull + counts.expired - lostDurable);
        expect(kept.length + counts.merged + lostIn(out) + lostDurable).toBe(pushed);
        for (const lane of [true, false]) {
          const order = kept
            .filter((event) => isDurable(event) === lane && event.type !== "likes")
            .map(({ at }) => at);
          expect(order).toEqual([...order].sort((left, right) => left - right));
        }
        expect([events.size, events.bytes]).toEqual([0, 0]);
      },
    ),
    { numRuns: 300 },
  );
});

test("shed drops the oldest events, live ones before durable ones, until the bytes fit", () => {
  const counts = createPendingCounts();
  const pending = new PendingEvents({
    rules: createMergeRules(DEFAULT_POLICY),
    bounds: {
      live: { eventsMax: 100, bytesMax: 100_000 },
      durable: { eventsMax: 100, bytesMax: 100_000 },
      lossTopicsMax: PENDING_LOSS_TOPICS_MAX,
    },
    counts,
  });
  for (let at = 1; at <= 3; at++) pending.push(durable(at), at);
  for (let at = 1; at <= 3; at++) pending.push(live(at), at);
  const keeps = 3 * sizeOf(durable(1)) + sizeOf(live(3));
  pending.shed(keeps, 9);
  expect(pending.bytes).toBe(keeps);
  expect(counts).toMatchObject({ droppedFull: 2, durable: { droppedFull: 0 } });
  pending.shed(sizeOf(durable(3)), 9);
  expect(counts).toMatchObject({ droppedFull: 5, durable: { droppedFull: 2 } });
  const [gap, last] = pending.take();
  expect(parseGap(gap?.data ?? toJsonText(0))).toMatchObject({ lost: 3, from: 1, to: 3 });
  expect(last).toEqual(durable(3));
});
