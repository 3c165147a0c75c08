import { expect, test } from "bun:test";
import { rendezvous } from "./rendezvous.ts";

const names = Array.from({ length: 10 }, (_, index) => `http://10.0.0.${index}:9101`);
const keys = Array.from({ length: 10_000 }, (_, index) => `video:${index}`);

test("keys are spread evenly over the names, whatever their order", () => {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const name = rendezvous(names, key) ?? "";
    expect(rendezvous([...names].reverse(), key)).toBe(name);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const name of names) expect(Math.abs((counts.get(name) ?? 0) - 1000)).toBeLessThan(150);
});

test("only the keys of a name that goes move", () => {
  const [gone = "", ...left] = names;
  for (const key of keys) {
    const before = rendezvous(names, key);
    if (before !== gone) expect(rendezvous(left, key)).toBe(before);
  }
});

test("there is no name without names", () => {
  expect(rendezvous([], "video:1")).toBeUndefined();
});
