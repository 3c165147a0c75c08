/** How often, and after which waits, a request is retried. */

import { expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import { REQUEST_RETRIES_MAX, REQUEST_RETRY_MS, RETRY_AFTER_MS_MAX } from "../limits.ts";
import { ApiError } from "./api-error.ts";
import { createPersist } from "./request.ts";

async function persisted(error: ApiError): Promise<{ readonly at: number[]; failed: unknown }> {
  const clock = createManualClock(0);
  const at: number[] = [];
  let failed: unknown;
  createPersist(
    clock,
    () => 0,
  )(async () => {
    at.push(clock.now());
    throw error;
  }).catch((reason: unknown) => {
    failed = reason;
  });
  await clock.advance(10 * RETRY_AFTER_MS_MAX);
  return { at, failed };
}

test("REQUEST_RETRIES_MAX retries, each after twice the wait, then an error", async () => {
  const error = new ApiError("unavailable", 503, "busy");
  const { at, failed } = await persisted(error);
  expect(at).toHaveLength(1 + REQUEST_RETRIES_MAX);
  for (let retry = 1; retry < at.length; retry++)
    expect((at[retry] ?? 0) - (at[retry - 1] ?? 0)).toBe(REQUEST_RETRY_MS.first * 2 ** (retry - 1));
  expect(failed).toBe(error);
});

test("RETRY_AFTER_MS_MAX: a longer pause is left to the caller", async () => {
  const bearable = new ApiError("unavailable", 503, "busy", RETRY_AFTER_MS_MAX);
  expect((await persisted(bearable)).at.slice(0, 2)).toEqual([0, RETRY_AFTER_MS_MAX]);
  const long = new ApiError("unavailable", 503, "busy", RETRY_AFTER_MS_MAX + 1);
  expect(await persisted(long)).toEqual({ at: [0], failed: long });
});
