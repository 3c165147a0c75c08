import { expect, test } from "bun:test";
import { fitSlope, isOver, type Sample } from "./slopes.ts";

/** Ten minutes, a sample every ten seconds. */
const samplesOf = (valueAt: (seconds: number, index: number) => number): readonly Sample[] =>
  Array.from({ length: 60 }, (_, index) => ({
    seconds: index * 10,
    value: valueAt(index * 10, index),
  }));

test("a line has its slope, by the hour, and no error", () => {
  const slope = fitSlope(samplesOf((seconds) => 100 + seconds / 36));
  expect(slope?.perHour).toBeCloseTo(100, 6);
  expect(slope?.errorPerHour).toBeCloseTo(0, 6);
});

test("oscillation is no growth; growth beneath it is", () => {
  const wave = (index: number) => (index % 2 === 0 ? 50 : -50);
  const flat = fitSlope(samplesOf((_, index) => wave(index)));
  const growing = fitSlope(samplesOf((seconds, index) => wave(index) + seconds));
  expect(flat !== undefined && isOver(flat, 100)).toBe(false);
  expect(growing !== undefined && isOver(growing, 3000)).toBe(true);
  expect(growing !== undefined && isOver(growing, 3700)).toBe(false);
});

test("a slope within the noise is not over its bound", () => {
  expect(isOver({ perHour: 120, errorPerHour: 15 }, 100)).toBe(false);
  expect(isOver({ perHour: 131, errorPerHour: 15 }, 100)).toBe(true);
});

test("two samples have no slope, nor have samples of one moment", () => {
  expect(fitSlope(samplesOf(() => 1).slice(0, 2))).toBeUndefined();
  expect(fitSlope([1, 2, 3].map((value) => ({ seconds: 5, value })))).toBeUndefined();
});
