import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { Notices } from "./notices.ts";
import { SanctionLine } from "./sanction-line.ts";
import { createWords } from "./words.ts";

const NOW = 1_700_000_000_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function begin() {
  const notices = new Notices();
  const data = { kind: "timed-out", until: NOW + 60_000 } as const;
  notices.add({ seq: 1, at: NOW, data });
  let changes = 0;
  const line = new SanctionLine(() => changes++);
  return { notices, line, changes: () => changes };
}

test("a sanction is shown until it ends, and its end is reported", () => {
  const { notices, line, changes } = begin();
  expect(line.current(notices, NOW, undefined)?.kind).toBe("timed-out");
  jest.advanceTimersByTime(59_000);
  expect(changes()).toBe(0);
  jest.advanceTimersByTime(2_000);
  expect(changes()).toBe(1);
  expect(line.current(notices, NOW + 60_000, undefined)).toBeUndefined();
});

test("a dismissed sanction is hidden, until a new one restores the line", () => {
  const { notices, line, changes } = begin();
  const sanction = line.current(notices, NOW, undefined);
  if (sanction === undefined) throw new Error("no sanction");
  const { values } = line.render(createWords("en"), NOW, sanction);
  for (const value of values) if (typeof value === "function") value();
  expect(changes()).toBe(1);
  expect(line.current(notices, NOW, undefined)).toBeUndefined();
  line.restore();
  expect(line.current(notices, NOW, undefined)).toBe(sanction);
});

test("a closed line reports nothing", () => {
  const { notices, line, changes } = begin();
  line.current(notices, NOW, undefined);
  line.close();
  jest.advanceTimersByTime(120_000);
  expect(changes()).toBe(0);
});
