import { expect, test } from "bun:test";
import { readRequestHead } from "./head-cache.ts";
import { parseRequestHead } from "./request-head.ts";

const head = (length: number, name = "Host") =>
  `POST /v1/publish HTTP/1.1\r\n${name}: a\r\nContent-Length: ${length}`;

test("a head that came before is the one that was read then, and one byte makes it another", () => {
  const first = readRequestHead(head(10));
  expect(readRequestHead(head(10))).toBe(first);
  expect(first).toEqual(parseRequestHead(head(10)));
  expect(readRequestHead(head(11)).body).toEqual({ kind: "length", bytes: 11 });
  expect(readRequestHead(head(10, "host"))).not.toBe(first);
});

test("what is refused is refused every time", () => {
  for (let count = 0; count < 3; count++)
    expect(() => readRequestHead("POST / HTTP/1.1\r\nHost : a")).toThrow("header");
});

test("a flood of different heads pushes out the oldest, and is read rightly", () => {
  const first = readRequestHead(head(1));
  for (let length = 1000; length < 3000; length++)
    expect(readRequestHead(head(length)).body).toEqual({ kind: "length", bytes: length });
  const again = readRequestHead(head(1));
  expect(again).not.toBe(first);
  expect(again).toEqual(first);
});
