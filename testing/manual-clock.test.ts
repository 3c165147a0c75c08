import { expect, test } from "bun:test";
import { createManualClock } from "./manual-clock.ts";

test("timers run in the order of their times, and not when cancelled", async () => {
  const clock = createManualClock(1000);
  const ran: string[] = [];
  clock.after(20, () => ran.push(`late ${clock.now()}`));
  clock.after(10, () => {
    ran.push(`early ${clock.now()}`);
    clock.after(5, () => ran.push(`nested ${clock.now()}`));
  });
  clock.after(15, () => ran.push("cancelled"))();
  expect(clock.pending).toBe(2);
  await clock.advance(30);
  expect(ran).toEqual(["early 1010", "nested 1015", "late 1020"]);
  expect([clock.now(), clock.pending]).toEqual([1030, 0]);
});

test("advance lets promises settle before the next timer; advanceNow does not", async () => {
  const clock = createManualClock();
  const ran: string[] = [];
  const set = () => {
    clock.after(1, () => void Promise.resolve().then(() => ran.push("promise")));
    clock.after(2, () => ran.push("timer"));
  };
  set();
  await clock.advance(2);
  expect(ran.splice(0)).toEqual(["promise", "timer"]);
  set();
  clock.advanceNow(2);
  expect(ran).toEqual(["timer"]);
});
