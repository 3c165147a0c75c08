import { expect, test } from "bun:test";
import { EVERY_MS, KINDS_MAX, sparingly } from "./log-throttle.ts";

test("KINDS_MAX: so many kinds are told apart; one more and all are said again", () => {
  let now = 0;
  const say = sparingly({ now: () => now, after: () => () => undefined });
  const said: string[] = [];
  const come = (kind: number) =>
    say(`kind ${kind}`, ({ andBefore }) => said.push(`${kind} ${andBefore ?? 0}`));
  for (let kind = 0; kind < KINDS_MAX; kind++) come(kind);
  come(0);
  expect(said).toHaveLength(KINDS_MAX);
  now += EVERY_MS;
  come(0);
  expect(said.at(-1)).toBe("0 1");
  // One of the kinds is known, so it takes the place of its own.
  come(KINDS_MAX);
  come(1);
  expect(said.slice(-2)).toEqual([`${KINDS_MAX} 0`, "1 0"]);
});
