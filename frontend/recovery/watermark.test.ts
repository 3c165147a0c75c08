import { expect, test } from "bun:test";
import { LIVES_MAX, Stamps } from "./watermark.ts";

test("LIVES_MAX: of more lives in doubt the oldest is left out, the newest moment stands first", () => {
  const stamps = new Stamps();
  for (let life = 1; life <= LIVES_MAX + 2; life++) stamps.note(`life${life}`, 1000 * life);
  const named = stamps.reach.map(({ epoch }) => epoch);
  expect(named).toHaveLength(LIVES_MAX);
  expect(named[0]).toBe(`life${LIVES_MAX + 2}`);
  expect(named).not.toContain("life1");
});
