import { expect, test } from "bun:test";
import { systemClock } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { until } from "../../testing/until.ts";
import { goal } from "../testing/datacenters.ts";
import { HELD_MAX, Reorder } from "./reorder.ts";

test("batches are put in order, and a lost one delays the others briefly", async () => {
  const delivered: number[] = [];
  const reorder = new Reorder({
    clock: systemClock,
    deliver: (events) => delivered.push(...events.map(({ at }) => at)),
  });
  for (const number of [5, 7, 6, 8, 10]) reorder.accept(number, [goal(number)]);
  expect(delivered).toEqual([5, 6, 7, 8]);
  await until(() => delivered.includes(10), "the lost one is given up");
  for (const number of [9, 11]) reorder.accept(number, [goal(number)]);
  expect(delivered).toEqual([5, 6, 7, 8, 10, 9, 11]);
});

test("HELD_MAX: of more batches than that none waits for the lost one any longer", () => {
  const delivered: number[] = [];
  const reorder = new Reorder({
    clock: createManualClock(0),
    deliver: (events) => delivered.push(...events.map(({ at }) => at)),
  });
  reorder.accept(1, [goal(1)]);
  for (let number = 3; number < 3 + HELD_MAX; number++) reorder.accept(number, [goal(number)]);
  expect(delivered).toEqual([1]);
  reorder.accept(3 + HELD_MAX, [goal(3 + HELD_MAX)]);
  expect(delivered).toHaveLength(2 + HELD_MAX);
});
