/** Waits for a condition in place of a fixed sleep. */

import { setTimeout as sleep } from "node:timers/promises";

const FIRST_WAIT_MS = 1;
const WAIT_MS_MAX = 25;
export const UNTIL_MS_MAX = 15_000;
const SHOWN_CHARACTERS = 500;

/**
 * Reads until the value is truthy, and returns it. The wait between reads grows from 1 to 25 ms.
 * An error of `read` counts as "not yet". After `withinMs` it throws: the error names `what` and
 * shows the last value or error.
 */
export function until<Value>(
  read: () => Value | Promise<Value>,
  what = String(read),
  withinMs = UNTIL_MS_MAX,
): Promise<Value> {
  return untilAccepted(read, Boolean, what, withinMs);
}

/** As {@link until}, for values that `accepts` judges. */
export async function untilAccepted<Value>(
  read: () => Value | Promise<Value>,
  accepts: (value: Value) => boolean,
  what = String(accepts),
  withinMs = UNTIL_MS_MAX,
): Promise<Value> {
  const deadline = performance.now() + withinMs;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, WAIT_MS_MAX)) {
    let last: string;
    try {
      const value = await read();
      if (accepts(value)) return value;
      last = String(JSON.stringify(value));
    } catch (error) {
      last = String(error);
    }
    if (performance.now() > deadline)
      throw new Error(
        `not within ${withinMs} ms: ${what}; last: ${last.slice(0, SHOWN_CHARACTERS)}`,
      );
    await sleep(waitMs);
  }
}
