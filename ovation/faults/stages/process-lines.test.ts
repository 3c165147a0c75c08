import { expect, test } from "bun:test";
import { ProcessLines } from "./process-lines.ts";

test("the newest lines of each process are kept until they are taken", () => {
  const lines = new ProcessLines();
  for (let line = 0; line < 1000; line++) lines.add("a", `${line}`);
  lines.add("b", "other");
  const taken = lines.take("a");
  expect(taken).toHaveLength(200);
  expect(taken.at(-1)).toBe("999");
  expect(lines.take("a")).toEqual([]);
  expect(lines.take("b")).toEqual(["other"]);
});
