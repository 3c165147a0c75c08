import { expect, test } from "bun:test";
import { until, untilAccepted } from "./until.ts";

test("returns the first truthy value; an error counts as not yet", async () => {
  let reads = 0;
  const read = () => {
    reads++;
    if (reads < 3) throw new Error("not there");
    return reads === 5 && "value";
  };
  expect(await until(read)).toBe("value");
  expect(reads).toBe(5);
});

test("after the time it throws what was waited for, and the last value or error", async () => {
  const [no, broken] = [async () => 0, () => Promise.reject(new Error("refused"))];
  expect(until(no, "the port", 5)).rejects.toThrow("not within 5 ms: the port; last: 0");
  expect(until(broken, "the port", 5)).rejects.toThrow(/the port; last: Error: refused/);
  expect(
    untilAccepted(
      () => 4,
      (value) => value > 4,
      "five",
      5,
    ),
  ).rejects.toThrow(/five; last: 4/);
});
