import { afterEach, expect, jest, spyOn, test } from "bun:test";
import { loadAgain, VIEW_WAIT_MS_MAX } from "./load-again.ts";

afterEach(() => void jest.useRealTimers());

test("VIEW_WAIT_MS_MAX: the waits between tries double up to it", async () => {
  jest.useFakeTimers();
  const warn = spyOn(console, "warn").mockImplementation(() => {});
  const timeout = spyOn(globalThis, "setTimeout");
  let tries = 0;
  const loading = loadAgain(async () => {
    if (++tries < 10) throw new TypeError("no network");
    return "the view";
  });
  for (let turn = 0; turn < 100; turn++) {
    for (let settle = 0; settle < 8; settle++) await Promise.resolve();
    jest.advanceTimersByTime(VIEW_WAIT_MS_MAX);
  }
  expect(await loading).toBe("the view");
  expect(timeout.mock.calls.map(([, ms]) => ms ?? 0)).toEqual([
    500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
  ]);
  expect(VIEW_WAIT_MS_MAX).toBe(30_000);
  timeout.mockRestore();
  warn.mockRestore();
});
