import { expect, test } from "bun:test";
import { createMemoryPools } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import {
  REPLAY_BYTES_PER_ADDRESS_MAX,
  REPLAY_BYTES_PER_REQUEST_MAX,
  REPLAY_EVENTS_PER_REQUEST_MAX,
  REPLAY_SHARED_WEIGHT,
  REPLAY_SMALL_EVENTS_MAX,
  REPLAY_WINDOW_MS,
} from "../limits.ts";
import { DEFAULT_REPLAY, OPEN_REPLAY, ReplayBudget } from "./replay-budget.ts";

const MANY = REPLAY_SMALL_EVENTS_MAX + 1;

test("an address has bytes per window, the last quarter for small replays", async () => {
  const clock = createManualClock();
  const budget = new ReplayBudget(
    { ...DEFAULT_REPLAY, bytesPerAddress: 1000 },
    createMemoryPools(clock),
  );
  const allowed = () => [
    budget.allows("a", MANY),
    budget.allows("a", 50),
    budget.allows("b", MANY),
  ];
  budget.charge("a", 749, false);
  expect(allowed()).toEqual([true, true, true]);
  budget.charge("a", 1, false);
  expect(allowed()).toEqual([false, true, true]);
  budget.charge("a", 250, false);
  expect(allowed()).toEqual([false, false, true]);
  expect(budget.allows("a", 0)).toBe(true);
  await clock.advance(REPLAY_WINDOW_MS * 2);
  expect(allowed()).toEqual([true, true, true]);
});

test("20,000 viewers behind one address, each 500 comments behind, are within the default", () => {
  const budget = new ReplayBudget(DEFAULT_REPLAY, createMemoryPools(createManualClock()));
  const pageBytes = 200 * 330;
  for (let viewer = 0; viewer < 20_000; viewer++) {
    expect(budget.allows("10.0.0.1", 500)).toBe(true);
    for (let page = 0; page < 2.5; page++) budget.charge("10.0.0.1", pageBytes, viewer > 0);
  }
  expect(REPLAY_SHARED_WEIGHT).toBeLessThan(1);
});

test("no request has more events than one may have, also with limits per address off", () => {
  for (const limits of [DEFAULT_REPLAY, OPEN_REPLAY]) {
    const budget = new ReplayBudget(limits, createMemoryPools(createManualClock()));
    expect(budget.allows("a", limits.eventsPerRequest)).toBe(true);
    expect(budget.allows("a", limits.eventsPerRequest + 1)).toBe(false);
  }
});

test("the default limits of a request and of an address, at each and one beyond", () => {
  expect(DEFAULT_REPLAY).toEqual({
    eventsPerRequest: REPLAY_EVENTS_PER_REQUEST_MAX,
    bytesPerRequest: REPLAY_BYTES_PER_REQUEST_MAX,
    bytesPerAddress: REPLAY_BYTES_PER_ADDRESS_MAX,
  });
  const budget = new ReplayBudget(DEFAULT_REPLAY, createMemoryPools(createManualClock()));
  expect(budget.allows("a", REPLAY_EVENTS_PER_REQUEST_MAX)).toBe(true);
  expect(budget.allows("a", REPLAY_EVENTS_PER_REQUEST_MAX + 1)).toBe(false);
  budget.charge("a", REPLAY_BYTES_PER_ADDRESS_MAX - 1, false);
  expect(budget.allows("a", 1)).toBe(true);
  budget.charge("a", 1, false);
  expect(budget.allows("a", 1)).toBe(false);
  expect(budget.allows("b", 1)).toBe(true);
});
