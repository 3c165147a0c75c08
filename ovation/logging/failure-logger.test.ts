import { expect, test } from "bun:test";
import type { Clock } from "@ovation/protocol";
import { pino } from "pino";
import { createFailureLogger } from "./failure-logger.ts";

test("a failure that repeats is logged once a second, with the number that was suppressed", () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { base: null, timestamp: false },
    { write: (line: string) => lines.push(JSON.parse(line)) },
  );
  let now = 0;
  const clock: Clock = { now: () => now, after: () => () => undefined };
  const onFailure = createFailureLogger(logger, clock);
  for (let count = 0; count < 5000; count++) onFailure("lookup", new Error("the store is away"));
  onFailure("renew", new Error("the store is away"));
  now = 1000;
  onFailure("lookup", new Error("still away"));
  now = 5000;
  onFailure("lookup", new Error("away again"));
  expect(lines.map(({ what, andBefore }) => [what, andBefore])).toEqual([
    ["lookup", undefined],
    ["renew", undefined],
    ["lookup", 4999],
    ["lookup", undefined],
  ]);
});
