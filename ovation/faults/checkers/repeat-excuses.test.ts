import { expect, test } from "bun:test";
import { cutsViewers, holdsPositions } from "./repeat-excuses.ts";

const holds = (kind: string, target = "east/frontend-0") => holdsPositions({ kind, target });

test("what stands between a frontend and the log may hold positions back", () => {
  for (const kind of [
    "postgres crashes",
    "postgres answers lost",
    "redis paused",
    "pause dispatcher",
    "kill -9 dispatcher",
    "wire to postgres slow",
    "wire frontend to dispatcher half-open",
    "clock +3600 s",
  ])
    expect(`${kind}: ${holds(kind)}`).toBe(`${kind}: true`);
  expect(holds("disk full", "disk")).toBe(true);
});

test("viewers, comments processes, the other data centre and clocks do not", () => {
  for (const kind of [
    "viewers half-open",
    "kill -9 frontend",
    "SIGTERM comments",
    "pause comments",
    "wire comments to dispatcher silent back",
    "links cut",
    "postgres clock +3600 s",
    "clock −20 s",
  ])
    expect(`${kind}: ${holds(kind)}`).toBe(`${kind}: false`);
  expect(holds("clock +3600 s", "start")).toBe(false);
});

test("the network before viewers and a frontend that dies cut them off unnoticed", () => {
  expect(cutsViewers({ kind: "viewers half-open" })).toBe(true);
  expect(cutsViewers({ kind: "kill -9 frontend" })).toBe(true);
  expect(cutsViewers({ kind: "SIGTERM frontend" })).toBe(false);
  expect(cutsViewers({ kind: "wire to postgres half-open" })).toBe(false);
});
