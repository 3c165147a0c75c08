import { expect, test } from "bun:test";
import { addTo, COUNTER_MAX } from "./shared-counters.ts";

test("COUNTER_MAX: a counter stops there instead of beginning again at 0", () => {
  const table = new Uint32Array(1);
  addTo(table, 0, COUNTER_MAX - 1);
  addTo(table, 0, 1);
  expect(table[0]).toBe(COUNTER_MAX);
  addTo(table, 0, 1);
  addTo(table, 0, 2 ** 40);
  expect(table[0]).toBe(COUNTER_MAX);
  addTo(table, 0, -1);
  expect(table[0]).toBe(COUNTER_MAX - 1);
  addTo(table, 0, -(2 ** 40));
  expect(table[0]).toBe(0);
});
