import { expect, test } from "bun:test";
import { FairQueue } from "./fair-queue.ts";

function drained(queue: FairQueue<string>): readonly string[] {
  const items: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
}

test("an address with one item waits for one item of each other address", () => {
  const queue = new FairQueue<string>();
  for (let number = 0; number < 1000; number++) queue.push("10.0.0.1", `a${number}`, true);
  for (let number = 0; number < 500; number++) queue.push("10.0.0.2", `b${number}`, true);
  queue.push("10.0.0.3", "c", false);
  const order = drained(queue);
  expect(order.indexOf("c")).toBe(2);
  expect(order.filter((item) => item.startsWith("b")).at(0)).toBe("b0");
  expect([order.length, new Set(order).size, queue.size]).toEqual([1501, 1501, 0]);
});

test("within an address small items go first, and each kind in its order", () => {
  const queue = new FairQueue<string>();
  for (const name of ["L1", "s1", "L2", "s2"]) queue.push("a", name, name.startsWith("s"));
  expect(drained(queue)).toEqual(["s1", "s2", "L1", "L2"]);
});

test("the addresses of one IPv6 /64 are one", () => {
  const queue = new FairQueue<string>();
  for (const host of ["1", "2", "3"]) queue.push(`2001:db8::${host}`, `six${host}`, true);
  queue.push("10.0.0.1", "four", true);
  expect(drained(queue).indexOf("four")).toBe(1);
});

test("an address that may not go is passed over and keeps its items", () => {
  const queue = new FairQueue<string>();
  queue.push("a", "of a", true);
  queue.push("b", "of b", true);
  expect(queue.shift((group) => group !== "a")).toBe("of b");
  expect(queue.shift((group) => group !== "a")).toBeUndefined();
  expect(queue.shift()).toBe("of a");
});
