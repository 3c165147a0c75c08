import { expect, test } from "bun:test";
import { POSTGRES_LOOKS_MAX } from "../limits.ts";
import { Horizon } from "./postgres-horizon.ts";

test("POSTGRES_LOOKS_MAX: behind an append that hangs, the first looks stay valid", () => {
  const horizon = new Horizon();
  const look = (next: number, behind: number | null, newest: number) => ({
    server: "a",
    next,
    behind,
    newest,
  });
  expect(horizon.after(look(10, null, 100))).toBe(100);
  // The append of number 10 hangs: nothing after it is proven, however often one looks.
  for (let n = 1; n <= POSTGRES_LOOKS_MAX + 50; n++)
    expect(horizon.after(look(10 + n, n, 100 + n))).toBe(100);
  // It ends: the next look proves all.
  expect(horizon.after(look(5000, null, 9000))).toBe(9000);
});
