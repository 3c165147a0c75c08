import { expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import { retry } from "./retry.ts";

const options = { firstMs: 100, longestMs: 400 };

test("waits double up to the bound, with full jitter, until an attempt succeeds", async () => {
  const clock = createManualClock(0);
  const at: number[] = [];
  const failures: number[] = [];
  const result = retry(
    { ...options, clock, random: () => 1 },
    async () => {
      at.push(clock.now());
      if (at.length < 5) throw new Error("unreachable");
      return "done";
    },
    (_, attempt) => failures.push(attempt),
    () => false,
  );
  await clock.advance(5000);
  expect(await result).toBe("done");
  // Half of the first wait, and a share of 100, 200, 400, 400.
  expect(at).toEqual([0, 150, 400, 850, 1300]);
  expect(failures).toEqual([1, 2, 3, 4]);
});

test("the least wait is half of the first one", async () => {
  const clock = createManualClock(0);
  let attempts = 0;
  const run = async () => {
    attempts++;
    throw new Error("unreachable");
  };
  void retry(
    { ...options, clock, random: () => 0 },
    run,
    () => undefined,
    () => attempts > 3,
  );
  await clock.advance(49);
  expect(attempts).toBe(1);
  await clock.advance(1);
  expect(attempts).toBe(2);
});

test("it ends without a value where no more attempts are wanted", async () => {
  const clock = createManualClock(0);
  let isStopped = false;
  const result = retry(
    { ...options, clock, random: () => 0 },
    async () => {
      throw new Error("unreachable");
    },
    () => undefined,
    () => isStopped,
  );
  isStopped = true;
  await clock.advance(1000);
  expect(await result).toBeUndefined();
});
