import { expect, test } from "bun:test";
import { createLogThrottle, EVERY_MS, KINDS_MAX } from "./log-throttle.ts";

test("KINDS_MAX: so many kinds are tracked; one more, and each is logged again", () => {
  let now = 0;
  const throttle = createLogThrottle({ now: () => now, after: () => () => undefined });
  const lines: string[] = [];
  const log = (kind: number) =>
    throttle(`kind ${kind}`, ({ andBefore }) => lines.push(`${kind} ${andBefore ?? 0}`));
  for (let kind = 0; kind < KINDS_MAX; kind++) log(kind);
  log(0);
  expect(lines).toHaveLength(KINDS_MAX);
  now += EVERY_MS;
  log(0);
  expect(lines.at(-1)).toBe("0 1");
  log(KINDS_MAX);
  log(1);
  expect(lines.slice(-2)).toEqual([`${KINDS_MAX} 0`, "1 0"]);
});
