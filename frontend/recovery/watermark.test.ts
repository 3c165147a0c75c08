import { expect, test } from "bun:test";
import { EPOCHS_MAX, Watermark } from "./watermark.ts";

test("EPOCHS_MAX: past it the oldest life is left out; the newest moment is first", () => {
  const watermark = new Watermark();
  for (let life = 1; life <= EPOCHS_MAX + 2; life++) watermark.note(`life${life}`, 1000 * life);
  const named = watermark.reach.map(({ epoch }) => epoch);
  expect(named).toHaveLength(EPOCHS_MAX);
  expect(named[0]).toBe(`life${EPOCHS_MAX + 2}`);
  expect(named).not.toContain("epoch1");
});
