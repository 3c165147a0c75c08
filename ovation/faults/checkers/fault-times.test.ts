import { expect, test } from "bun:test";
import { createFaultTimes } from "./fault-times.ts";

const fault = (from: number, to: number) => ({ kind: "kill", target: "one", from, to });

test("overlapping faults count once, each longer by the margins", () => {
  const faults = [fault(1000, 2000), fault(5000, 6000), fault(1500, 1800)];
  const times = createFaultTimes(faults, { beforeMs: 100, afterMs: 500 });
  expect(times.wholeMs(0, 10_000)).toBe(10_000 - 1600 - 1600);
  expect(times.wholeMs(1200, 1300)).toBe(0);
  expect(times.wholeMs(2400, 2600)).toBe(100);
  expect(times.wholeMs(7000, 8000)).toBe(1000);
});

test("a time touches a fault at its first and last moment, and not beside it", () => {
  const times = createFaultTimes([fault(1000, 2000), fault(3000, 4000)], {
    beforeMs: 0,
    afterMs: 0,
  });
  const touched = [
    [0, 999],
    [0, 1000],
    [2000, 2500],
    [2001, 2999],
    [2001, 3000],
    [4001, 9000],
  ] as const;
  expect(touched.map(([from, to]) => times.touch(from, to))).toEqual([
    ...[false, true, true, false, true, false],
  ]);
  expect(createFaultTimes([], { beforeMs: 0, afterMs: 0 }).touch(0, 1)).toBe(false);
});
