import { expect, test } from "bun:test";
import { REPLAY_SLICE_MS, REPLAY_SLICE_PAGES_MAX } from "../limits.ts";
import { ReplayTurns } from "./replay-turns.ts";

function newTurns(pageMs: number) {
  let now = 0;
  const loop: (() => void)[] = [];
  const written: string[] = [];
  const turns = new ReplayTurns({ soon: (run) => loop.push(run), elapsed: () => now });
  return {
    turns,
    written,
    take: (address: string, isSmall: boolean, name = address) =>
      turns.take(address, isSmall, () => {
        now += pageMs;
        written.push(name);
      }),
    /** One turn of the event loop; answers whether there was something to do. */
    loop: () => {
      const run = loop.shift();
      run?.();
      return run !== undefined;
    },
  };
}

test("replays yield to the event loop after a slice, and none is lost", () => {
  const { take, loop, written, turns } = newTurns(1);
  for (let page = 0; page < 50; page++) void take("10.0.0.1", false);
  expect(written.length).toBe(0);
  const slices: number[] = [];
  for (let before = 0; loop(); before = written.length) slices.push(written.length - before);
  expect(Math.max(...slices)).toBeLessThanOrEqual(REPLAY_SLICE_MS);
  expect([written.length, turns.size]).toEqual([50, 0]);
});

test("a page that takes longer than a slice is written all the same", () => {
  const { take, loop, written } = newTurns(REPLAY_SLICE_MS * 10);
  for (let page = 0; page < 3; page++) void take("10.0.0.1", false);
  while (loop());
  expect(written.length).toBe(3);
});

test("a client that missed little is served before 2,000 others of its address", () => {
  const { take, loop, written } = newTurns(0.1);
  for (let count = 0; count < 2000; count++) void take("10.0.0.1", false);
  void take("10.0.0.1", true, "small");
  void take("10.0.0.2", true, "other");
  loop();
  expect(written.slice(0, 2)).toEqual(["small", "other"]);
});

test("what a write throws is its own client's", async () => {
  const { turns, loop, take, written } = newTurns(0);
  const failing = turns.take("a", true, () => {
    throw new Error("no page");
  });
  void take("a", true, "next");
  loop();
  expect(failing).rejects.toThrow("no page");
  expect(written).toEqual(["next"]);
});

test("REPLAY_SLICE_PAGES_MAX: a slice has so many pages, however fast they are", () => {
  const { take, loop, written, turns } = newTurns(0);
  for (let page = 0; page <= REPLAY_SLICE_PAGES_MAX; page++) void take("10.0.0.1", false);
  loop();
  expect([written.length, turns.size]).toEqual([REPLAY_SLICE_PAGES_MAX, 1]);
  loop();
  expect(turns.size).toBe(0);
});
