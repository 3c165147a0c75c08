import { expect, test } from "bun:test";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import { CLOSE_MS_MAX, closeWithin } from "./close-within.ts";

test("CLOSE_MS_MAX: a stop waits so long for what does not close", async () => {
  const clock = createManualClock();
  let inTime: boolean | undefined;
  const closing = closeWithin(CLOSE_MS_MAX, [new Promise(() => undefined)], clock).then((all) => {
    inTime = all;
  });
  clock.advanceNow(CLOSE_MS_MAX - 1);
  await settle();
  expect(inTime).toBeUndefined();
  clock.advanceNow(1);
  await closing;
  expect(inTime).toBe(false);
  expect(await closeWithin(CLOSE_MS_MAX, [Promise.resolve(), undefined], clock)).toBe(true);
});
