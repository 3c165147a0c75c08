import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { type AnnounceMode, createAnnouncer } from "./announcer.ts";
import { createThrottle } from "./throttle.ts";

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function setUp(mode: AnnounceMode) {
  const said: string[] = [];
  const announcer = createAnnouncer(
    (text) => said.push(text),
    (count) => `${count} new`,
    mode,
  );
  const add = (text: string, important = false): void => announcer.add({ text, important });
  return { said, announcer, add };
}

describe("the announcer", () => {
  test("says each comment when they are slow, and how many when they are fast", () => {
    const { said, add } = setUp("all");
    add("a");
    for (const text of ["b", "c", "d"]) add(text);
    expect(said).toEqual(["a"]);
    jest.advanceTimersByTime(2000);
    expect(said).toEqual(["a", "3 new"]);
    jest.advanceTimersByTime(2000);
    add("e");
    expect(said).toEqual(["a", "3 new", "e"]);
  });

  test("speaks at most once in two seconds in a room that never rests", () => {
    const { said, add } = setUp("all");
    for (let step = 0; step < 200; step++) {
      add(`${step}`);
      jest.advanceTimersByTime(100);
    }
    expect(said.length).toBeLessThanOrEqual(11);
    expect(said.length).toBeGreaterThanOrEqual(9);
  });

  test("says nothing of what waits once only what is important, or nothing, was chosen", () => {
    for (const mode of ["mentions", "off"] as const)
      for (const before of ["digest", "all"] as const) {
        const { said, add, announcer } = setUp(before);
        for (let number = 0; number < 8; number++) add(`small talk ${number}`);
        said.splice(0);
        announcer.mode = mode;
        add("@you", true);
        jest.advanceTimersByTime(20_000);
        expect(said).toEqual(mode === "off" ? [] : ["@you"]);
      }
  });

  test("says only what is important where that was chosen, and at once", () => {
    const { said, add } = setUp("mentions");
    add("small talk");
    add("from the host", true);
    add("@you", true);
    expect(said).toEqual(["from the host", "@you"]);
  });

  test("counts every ten seconds where that was chosen, and says nothing where nothing was", () => {
    const { said, add, announcer } = setUp("digest");
    add("a");
    add("b");
    jest.advanceTimersByTime(9000);
    expect(said).toEqual([]);
    jest.advanceTimersByTime(1000);
    expect(said).toEqual(["2 new"]);
    announcer.mode = "off";
    add("c", true);
    jest.advanceTimersByTime(20_000);
    expect(said).toEqual(["2 new"]);
  });
});

describe("the throttle", () => {
  test("runs at once when idle, and keeps running under continuous requests", () => {
    let runs = 0;
    const throttle = createThrottle(() => runs++, 150);
    throttle.request();
    expect(runs).toBe(1);
    for (let step = 0; step < 100; step++) {
      throttle.request();
      jest.advanceTimersByTime(15);
    }
    expect(runs).toBeGreaterThanOrEqual(10);
    expect(runs).toBeLessThanOrEqual(12);
    throttle.stop();
  });
});
