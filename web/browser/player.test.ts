import { expect, test } from "bun:test";
import { DRIFT_SECONDS_MAX, isOff } from "./player.ts";

test("DRIFT_SECONDS_MAX: a player that is further off jumps", () => {
  const length = 20;
  for (const at of [0, 5, 19.5]) {
    const near = (at + DRIFT_SECONDS_MAX - 0.01) % length;
    const far = (at + DRIFT_SECONDS_MAX + 0.01) % length;
    expect([isOff(at, near, length), isOff(near, at, length)]).toEqual([false, false]);
    expect([isOff(at, far, length), isOff(far, at, length)]).toEqual([true, true]);
  }
});
