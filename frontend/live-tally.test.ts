import { expect, test } from "bun:test";
import { LIVE_TALLY_BATCHES_MAX } from "./limits.ts";
import { LiveTally } from "./live-tally.ts";

test("finds how many live events came before the first batch after an order", () => {
  const tally = new LiveTally();
  expect(tally.liveAt(0)).toBeUndefined();
  for (const [order, liveBefore] of [
    [3, 0],
    [7, 2],
    [8, 2],
    [20, 9],
  ] as const)
    tally.add(order, liveBefore);
  expect([0, 2, 3, 6, 7, 8, 19, 20].map((order) => tally.liveAt(order))).toEqual([
    ...[0, 0, 2, 2, 2, 9, 9, undefined],
  ]);
});

test("LIVE_TALLY_BATCHES_MAX: beyond, the older half is forgotten", () => {
  const tally = new LiveTally();
  for (let order = 1; order <= LIVE_TALLY_BATCHES_MAX + 1; order++) tally.add(order, order * 10);
  expect(tally.size).toBe(LIVE_TALLY_BATCHES_MAX / 2 + 1);
  expect(tally.liveAt(LIVE_TALLY_BATCHES_MAX)).toBe((LIVE_TALLY_BATCHES_MAX + 1) * 10);
  expect(tally.liveAt(1)).toBe((LIVE_TALLY_BATCHES_MAX / 2 + 1) * 10);
});
