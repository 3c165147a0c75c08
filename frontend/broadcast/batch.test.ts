import { expect, test } from "bun:test";
import { RING_BATCHES_MAX } from "../limits.ts";
import { Batch, BatchRing } from "./batch.ts";

function push(ring: BatchRing, count: number): void {
  for (; count > 0; count--)
    ring.push(
      new Batch({
        number: ring.next,
        order: ring.next,
        text: "x",
        events: 1,
        durable: 0,
        before: { seq: 0, epoch: "" },
        liveBefore: 0,
      }),
    );
}

test("RING_BATCHES_MAX: one more batch evicts the oldest, unless it is still needed", () => {
  const ring = new BatchRing(1);
  push(ring, RING_BATCHES_MAX);
  expect(ring.get(1)?.number).toBe(1);
  push(ring, 1);
  expect([ring.get(1), ring.oldest]).toEqual([undefined, 2]);
  ring.keepFrom = 3;
  push(ring, 5);
  expect(ring.oldest).toBe(3);
  ring.keepFrom = Number.POSITIVE_INFINITY;
  push(ring, 1);
  expect(ring.next - ring.oldest).toBe(RING_BATCHES_MAX);
});
