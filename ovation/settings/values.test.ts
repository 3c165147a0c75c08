import { expect, test } from "bun:test";
import { TTL_SECONDS_MAX, toTtl } from "../commands/token.ts";
import { COUNT_MAX, count, parseValue, SECONDS_MAX, seconds, WORKERS_MAX } from "./values.ts";

/** What a timer of the runtime can wait, ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

for (const [name, most, parse] of [
  ["SECONDS_MAX", SECONDS_MAX, (text: string) => parseValue(seconds, text)],
  ["COUNT_MAX", COUNT_MAX, (text: string) => parseValue(count(COUNT_MAX), text)],
  ["WORKERS_MAX", WORKERS_MAX, (text: string) => parseValue(count(WORKERS_MAX), text)],
  ["TTL_SECONDS_MAX", TTL_SECONDS_MAX, toTtl],
] as const)
  test(`${name}: an option takes so much; more is refused, and the bound is named`, () => {
    expect(parse(String(most))).toBe(most);
    expect(() => parse(String(most + 1))).toThrow(/at most|from 1 to/);
  });

test("SECONDS_MAX: a timer of the runtime waits so long", () => {
  expect(SECONDS_MAX * 1000).toBeLessThan(LONGEST_TIMER_MS);
});
