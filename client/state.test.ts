import { expect, test } from "bun:test";
import { IDLE, type Step, transition } from "./state.ts";
import { drawRetryMs } from "./transport/backoff.ts";
import type { ConnectionState } from "./types.ts";

const connected: ConnectionState = { name: "connected", reason: "opened", connectionId: "c" };
const connecting: ConnectionState = { name: "connecting", reason: "first" };
const failed: ConnectionState = { name: "failed", reason: "forbidden", detail: "" };
const lost: Step = { step: "lost", reason: "network", retryInMs: 1, attempt: 0 };

test("a connection opens only while one is being made", () => {
  expect(transition(connecting, { step: "opened", connectionId: "c" })).toEqual(connected);
  for (const state of [IDLE, failed, connected])
    expect(transition(state, { step: "opened", connectionId: "d" })).toBe(state);
});

test("what was never open is not lost", () => {
  expect(transition(IDLE, lost)).toBe(IDLE);
  expect(transition(failed, lost)).toBe(failed);
  expect(transition(connected, lost)).toEqual({
    name: "waiting",
    reason: "network",
    retryInMs: 1,
    attempt: 0,
  });
});

test("closed is for good", () => {
  const closed = transition(connected, { step: "close" });
  expect(closed).toEqual({ name: "closed", reason: "closed-by-application" });
  const steps: Step[] = [
    lost,
    { step: "connect", reason: "retry" },
    { step: "emptied" },
    { step: "opened", connectionId: "d" },
  ];
  for (const step of steps) expect(transition(closed, step)).toBe(closed);
});

test("waits are drawn between nothing and a bound that doubles up to the longest", () => {
  const bounds = { first: 500, longest: 20_000 };
  expect([0, 1, 2, 5, 6, 1000].map((attempt) => drawRetryMs(attempt, bounds, () => 1))).toEqual([
    500, 1000, 2000, 16_000, 20_000, 20_000,
  ]);
  expect(drawRetryMs(9, bounds, () => 0)).toBe(0);
  expect(drawRetryMs(1, bounds, () => 0.25)).toBe(250);
});
