import { expect, test } from "bun:test";
import type { ConnectionState } from "../types.ts";
import { IDLE, type Step, transition } from "./state.ts";

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
