import { expect, test } from "bun:test";
import { TRIM_EVENTS_MAX } from "./limits.ts";
import { TrimRound } from "./retention.ts";

test("TRIM_EVENTS_MAX: the bound of one step; the round continues at its last topic", async () => {
  const round = new TrimRound();
  const steps: { readonly cursor: number; readonly limit: number }[] = [];
  let waiting = 2 * TRIM_EVENTS_MAX + 5;
  const dropped = await round.run(10 * TRIM_EVENTS_MAX, async ({ cursor, limit }) => {
    steps.push({ cursor, limit });
    const most = Math.min(waiting, limit);
    waiting -= most;
    return { dropped: most, cursor: waiting > 0 ? cursor + 1 : undefined };
  });
  expect(dropped).toBe(2 * TRIM_EVENTS_MAX + 5);
  expect(steps).toEqual([0, 1, 2].map((cursor) => ({ cursor, limit: TRIM_EVENTS_MAX })));
  const limits: number[] = [];
  await round.run(TRIM_EVENTS_MAX + 1, async ({ cursor, limit }) => {
    limits.push(limit);
    return { dropped: limit, cursor: cursor + 1 };
  });
  expect(limits).toEqual([TRIM_EVENTS_MAX, 1]);
});
