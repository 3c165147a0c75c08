import { expect, test } from "bun:test";
import { pino } from "pino";
import { Registry } from "prom-client";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import { ANSWER_MS_MAX, createDependencies } from "./dependencies.ts";

test("ANSWER_MS_MAX: a dependency that responds later is away until it does", async () => {
  const clock = createManualClock();
  const dependencies = createDependencies(pino({ level: "silent" }), new Registry(), clock);
  const answer = Promise.withResolvers<void>();
  const asked: Promise<void>[] = [Promise.resolve(), answer.promise];
  dependencies.add("store", "the store", "always").watch(() => asked.shift() ?? Promise.resolve());
  const why = () => dependencies.checks.find(([name]) => name === "store")?.[1]();
  await settle();
  expect(why()).toBeUndefined();
  // It is asked again, and does not answer.
  await clock.advance(1_000);
  await clock.advance(ANSWER_MS_MAX - 1);
  expect(why()).toBeUndefined();
  await clock.advance(1);
  expect(why()).toContain(`no answer in ${ANSWER_MS_MAX} ms`);
  answer.resolve();
  await settle();
  expect(why()).toBeUndefined();
  dependencies.leave();
});
