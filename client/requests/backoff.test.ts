import { expect, test } from "bun:test";
import { RETRY_ASKED_MS_MAX } from "../limits.ts";
import { backoffMs, boundRetryMs, drawRetryMs } from "./backoff.ts";

const BOUNDS = { first: 500, longest: 20_000 };

test("the bound doubles with every attempt, up to the longest", () => {
  expect([0, 1, 2, 5, 6, 1000, 5000].map((attempt) => backoffMs(attempt, BOUNDS))).toEqual([
    500, 1000, 2000, 16_000, 20_000, 20_000, 20_000,
  ]);
});

test("a pause is drawn between 0 and the bound", () => {
  expect(drawRetryMs(9, BOUNDS, () => 0)).toBe(0);
  expect(drawRetryMs(1, BOUNDS, () => 0.25)).toBe(250);
  expect(drawRetryMs(0, BOUNDS, () => 1)).toBe(500);
});

test("a pause that a server asks for is a number between 0 and the longest accepted", () => {
  expect([-1, 0, 250, Number.NaN, 1e12, Number.POSITIVE_INFINITY].map(boundRetryMs)).toEqual([
    0,
    0,
    250,
    0,
    RETRY_ASKED_MS_MAX,
    RETRY_ASKED_MS_MAX,
  ]);
});
