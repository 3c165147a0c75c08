import { expect, test } from "bun:test";
import type { Injected } from "../history/history.ts";
import type { Fault } from "./fault.ts";
import { HEAL_ATTEMPTS_MAX, injectAll } from "./injector.ts";

/** Carries out one fault that cannot be healed so often, on a clock that only sleeps advance. */
async function run(failures: number) {
  let now = 0;
  let ends = 0;
  const recorded: Injected[] = [];
  const broken = new Set<string>();
  const problems: string[] = [];
  const fault: Fault = {
    kind: "postgres crashes",
    targets: ["postgres"],
    forMs: [300, 3000],
    begin: async () => {},
    async end() {
      now += 20;
      if (++ends <= failures) throw new Error("it did not start");
    },
  };
  const plan = [{ kind: fault.kind, target: "postgres", atMs: 100, forMs: 400 }];
  await injectAll(plan, {
    faults: [fault],
    recorder: { now: () => now, fault: (injected) => void recorded.push(injected) },
    broken,
    problems,
    async sleep(ms) {
      now += ms;
    },
  });
  return { recorded, broken, problems, ends };
}

test("a fault lasts from its beginning until it is healed", async () => {
  const { recorded, broken, problems } = await run(0);
  expect(recorded).toEqual([
    { kind: "postgres crashes", target: "postgres", from: 100, to: 100 + 400 + 20 },
  ]);
  expect([...broken, ...problems]).toEqual([]);
});

test("healing that fails is reported and retried; the fault lasts until it succeeds", async () => {
  const { recorded, broken, problems } = await run(2);
  expect(recorded).toEqual([
    { kind: "postgres crashes", target: "postgres", from: 100, to: 100 + 400 + 3 * 20 + 2 * 1000 },
  ]);
  expect([...broken]).toEqual([]);
  const problem = "postgres crashes: postgres, at 100 ms: it did not start";
  expect(problems).toEqual([problem, problem]);
});

test("a fault that cannot be healed lasts to the end, and fails the run", async () => {
  const { recorded, broken, problems, ends } = await run(Number.POSITIVE_INFINITY);
  expect(ends).toBe(HEAL_ATTEMPTS_MAX);
  expect(problems.length).toBe(HEAL_ATTEMPTS_MAX);
  expect([...broken]).toEqual(["postgres crashes: postgres"]);
  expect(recorded[0]?.to).toBeGreaterThan(24 * 60 * 60 * 1000);
});
