import { expect, test } from "bun:test";
import { BACKOFF_DOUBLINGS_MAX, boundBackoffMs, drawBackoffMs } from "./backoff.ts";

const bounds = { firstMs: 50, longestMs: 1000 };

test("the bound doubles from the first to the longest, and stays there", () => {
  const attempts = [0, 1, 2, 3, 4, 5, 6, 100, Number.MAX_SAFE_INTEGER];
  expect(attempts.map((attempt) => boundBackoffMs(bounds, attempt))).toEqual([
    50, 100, 200, 400, 800, 1000, 1000, 1000, 1000,
  ]);
});

test("a pause is drawn between 0 and the bound", () => {
  expect(drawBackoffMs(bounds, 2, () => 0)).toBe(0);
  expect(drawBackoffMs(bounds, 2, () => 0.5)).toBe(100);
  expect(drawBackoffMs(bounds, 9, () => 1)).toBe(1000);
});

test("BACKOFF_DOUBLINGS_MAX: the bound stays finite without a longest one", () => {
  const endless = { firstMs: 1, longestMs: Number.POSITIVE_INFINITY };
  const [at, beyond] = [BACKOFF_DOUBLINGS_MAX, 100_000].map((n) => boundBackoffMs(endless, n));
  expect([at, beyond]).toEqual([2 ** BACKOFF_DOUBLINGS_MAX, 2 ** BACKOFF_DOUBLINGS_MAX]);
});
