import { expect, test } from "bun:test";
import { DEFAULT_POLICY, type Event, toJsonText, topicOf } from "@ovation/protocol";
import fc from "fast-check";
import { createEventBuffer } from "./event-buffer.ts";

const topic = topicOf("video", "1");
const live = (at: number): Event => ({ topic, type: "goal", at, data: toJsonText(at) });
const durable = (seq: number): Event => ({
  topic,
  type: "comment",
  at: seq,
  data: toJsonText({ seq }),
  place: { seq, epoch: "e", stamp: seq },
});
const likes = (like: number, total: number): Event => ({
  topic,
  type: "likes",
  at: total,
  data: toJsonText({ like, total: { like: total } }),
});
function heapBytes(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}
const bounds = { policy: DEFAULT_POLICY, eventsMax: 10, bytesMax: 1_000_000 };

test("events leave in the order in which they came, likes as one, at the place of the first", () => {
  const buffer = createEventBuffer(bounds);
  for (const event of [live(1), likes(2, 2), durable(1), likes(3, 5), live(2)])
    buffer.push(event, 0);
  expect(buffer.take(2, 1e6)).toEqual([live(1), { ...likes(5, 5), at: 5 }]);
  buffer.push(likes(1, 6), 0);
  expect(buffer.take(10, 1e6)).toEqual([durable(1), live(2), likes(1, 6)]);
  expect(buffer.take(10, 1e6)).toEqual([]);
  expect([buffer.size, buffer.bytes, buffer.merged]).toEqual([0, 0, 1]);
});

test("when it is full the oldest live events go first, and durable ones last", () => {
  const buffer = createEventBuffer({ ...bounds, eventsMax: 4 });
  for (const event of [durable(1), live(1), durable(2), live(2), durable(3), durable(4)])
    buffer.push(event, 0);
  expect(buffer.droppedFull).toBe(2);
  buffer.push(durable(5), 0);
  expect(buffer.take(10, 1e6)).toEqual([durable(2), durable(3), durable(4), durable(5)]);
  expect(buffer.droppedFull).toBe(3);
  expect(buffer.durable).toEqual({ droppedFull: 1, expired: 0 });
});

test("bytes are bounded as well, and one event is kept however large", () => {
  const buffer = createEventBuffer({ ...bounds, bytesMax: 1000 });
  for (let at = 0; at < 10; at++)
    buffer.push({ ...live(at), data: toJsonText("x".repeat(400)) }, 0);
  expect(buffer.size).toBe(2);
  buffer.push({ ...live(99), data: toJsonText("x".repeat(5000)) }, 0);
  expect(buffer.take(10, 1e6).map(({ at }) => at)).toEqual([99]);
});

test("a durable event that waits does not keep the place of every live one that was dropped behind it", () => {
  const buffer = createEventBuffer(bounds);
  const before = heapBytes();
  buffer.push(durable(1), 0);
  for (let at = 0; at < 500_000; at++) buffer.push(live(at), at);
  expect(heapBytes() - before).toBeLessThan(5_000_000);
  expect(buffer.take(100, 1e6).map(({ at }) => at)).toEqual([
    1,
    ...Array.from({ length: 9 }, (_, index) => 499_991 + index),
  ]);
  expect(buffer.droppedFull).toBe(499_991);
});

test("what waited too long is dropped, by lane", () => {
  const buffer = createEventBuffer(bounds);
  buffer.push(live(1), 100);
  buffer.push(durable(1), 100);
  buffer.push(live(2), 200);
  expect(buffer.expire(150, 50)).toBe(1);
  expect(buffer.take(10, 1e6)).toEqual([durable(1), live(2)]);
});

test("whatever comes and goes, order holds, nothing is counted wrong, and likes add up unless dropped", () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom("live" as const, "durable" as const, "likes" as const),
    },
    { weight: 1, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 6 }) }) },
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400 }),
      fc.integer({ min: 1, max: 12 }),
      (steps, eventsMax) => {
        const buffer = createEventBuffer({ ...bounds, eventsMax });
        const out: Event[] = [];
        let pushed = 0;
        let number = 0;
        for (const one of steps) {
          if (typeof one === "object") {
            out.push(...buffer.take(one.take, 1e6));
            continue;
          }
          number++;
          pushed++;
          buffer.push(
            one === "live" ? live(number) : one === "durable" ? durable(number) : likes(1, number),
            number,
          );
          expect(buffer.size).toBeLessThanOrEqual(eventsMax);
        }
        out.push(...buffer.take(1000, 1e9));
        expect(out.length + buffer.merged + buffer.droppedFull).toBe(pushed);
        const order = out.filter(({ type }) => type !== "likes").map(({ at }) => at);
        expect(order).toEqual([...order].sort((left, right) => left - right));
        expect([buffer.size, buffer.bytes]).toEqual([0, 0]);
      },
    ),
    { numRuns: 300 },
  );
});
