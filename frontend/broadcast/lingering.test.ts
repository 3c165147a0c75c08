import { expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import { LINGER_MS, LINGER_STEP_MS, YOUNG_MS } from "../limits.ts";
import { Lingering } from "./lingering.ts";

function newCase() {
  const clock = createManualClock();
  const over: string[] = [];
  const lingering = new Lingering<string>({
    clock,
    lingerMs: LINGER_MS,
    onOver: (topic) => over.push(topic),
  });
  return { clock, over, lingering };
}

test("a topic stays for ten seconds after its last viewer, a new topic for one", async () => {
  const { clock, over, lingering } = newCase();
  const old = "video:old";
  lingering.came(old);
  await clock.advance(YOUNG_MS * 3);
  const young = "video:young";
  lingering.came(young);
  lingering.left(young);
  lingering.left(old);
  await clock.advance(YOUNG_MS + LINGER_STEP_MS);
  expect(over).toEqual(["video:young"]);
  await clock.advance(LINGER_MS - YOUNG_MS - LINGER_STEP_MS - 1);
  expect(over).toEqual(["video:young"]);
  await clock.advance(LINGER_STEP_MS + 1);
  expect(over).toEqual(["video:young", "video:old"]);
  expect([lingering.size, clock.pending]).toEqual([0, 0]);
});

test("a topic that is left a thousand times costs one entry and one timer", async () => {
  const { clock, over, lingering } = newCase();
  const one = "video:one";
  for (let count = 0; count < 1000; count++) lingering.left(one);
  expect([lingering.size, clock.pending]).toEqual([1, 1]);
  await clock.advance(LINGER_MS / 2);
  lingering.left(one);
  await clock.advance(LINGER_MS * 0.9);
  expect(over).toEqual([]);
  await clock.advance(LINGER_MS);
  expect(over).toEqual(["video:one"]);
});

test("the oldest are taken out first, those that had only just come before all", async () => {
  const { clock, lingering } = newCase();
  for (const name of ["video:a", "video:b"]) lingering.left(name);
  await clock.advance(5);
  const young = "video:young";
  lingering.came(young);
  lingering.left(young);
  const taken = [lingering.shift(), lingering.shift(), lingering.shift(), lingering.shift()];
  expect(taken).toEqual(["video:young", "video:a", "video:b", undefined]);
});

test("new topics are forgotten in time although no other topic comes", async () => {
  const { clock, lingering } = newCase();
  for (let number = 0; number < 1000; number++) lingering.came(`video:${number}`);
  expect(lingering.young).toBe(1000);
  await clock.advance(YOUNG_MS * 3 + 100);
  expect([lingering.young, clock.pending]).toEqual([0, 0]);
});

test("a wall clock that is set back an hour lets no topic stay longer", async () => {
  const manual = createManualClock();
  let offset = 0;
  const over: string[] = [];
  const lingering = new Lingering<string>({
    clock: { now: () => manual.now() + offset, after: (ms, run) => manual.after(ms, run) },
    lingerMs: LINGER_MS,
    onOver: (topic) => over.push(topic),
  });
  lingering.left("video:one");
  offset = -3_600_000;
  lingering.left("video:two");
  await manual.advance(LINGER_MS + LINGER_STEP_MS);
  expect(over).toEqual(["video:one", "video:two"]);
});
