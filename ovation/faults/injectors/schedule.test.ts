import { expect, test } from "bun:test";
import fc from "fast-check";
import { type FaultKind, planFaults } from "./schedule.ts";

const KINDS: readonly FaultKind[] = [
  { kind: "kill", targets: ["a", "b"], forMs: [100, 2000] },
  { kind: "pause", targets: ["a", "b"], forMs: [100, 5000] },
  { kind: "flush", targets: ["redis"], forMs: [0, 0], weight: 2 },
];

test("the same seed makes the same schedule, another seed another one", () => {
  expect(planFaults(7, KINDS, 60_000)).toEqual(planFaults(7, KINDS, 60_000));
  expect(planFaults(8, KINDS, 60_000)).not.toEqual(planFaults(7, KINDS, 60_000));
});

test("a target has one fault at a time, which ends in time, and every kind occurs", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.integer({ min: 30_000, max: 600_000 }),
      (seed, durationMs) => {
        const plan = planFaults(seed, KINDS, durationMs);
        expect(new Set(plan.map(({ kind }) => kind))).toEqual(
          new Set(KINDS.map(({ kind }) => kind)),
        );
        for (const target of ["a", "b", "redis"]) {
          const own = plan.filter((fault) => fault.target === target);
          for (const [index, fault] of own.entries()) {
            expect(fault.atMs + fault.forMs).toBeLessThan(own[index + 1]?.atMs ?? durationMs);
          }
        }
      },
    ),
    { numRuns: 100, interruptAfterTimeLimit: 2000 },
  );
});

test("a system in which nothing can be broken has an empty schedule", () => {
  expect(planFaults(1, [], 60_000)).toEqual([]);
});
