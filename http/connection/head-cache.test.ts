import { expect, test } from "bun:test";
import { HEAD_CHARACTERS_MAX, HEADS_MAX, readRequestHead } from "./head-cache.ts";
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

test("HEADS_MAX: one more head evicts the oldest", () => {
  const first = readRequestHead(head(10_000));
  for (let length = 10_001; length < 10_000 + HEADS_MAX; length++) readRequestHead(head(length));
  expect(readRequestHead(head(10_000))).toBe(first);
  readRequestHead(head(10_000 + HEADS_MAX));
  expect(readRequestHead(head(10_000))).not.toBe(first);
});

test("HEAD_CHARACTERS_MAX: a longer head is read each time", () => {
  for (const [characters, isKept] of [
    [HEAD_CHARACTERS_MAX, true],
    [HEAD_CHARACTERS_MAX + 1, false],
  ] as const) {
    const start = `${head(1)}\r\nCookie: `;
    const text = start + "c".repeat(characters - start.length);
    const first = readRequestHead(text);
    expect(readRequestHead(text) === first).toBe(isKept);
    expect(readRequestHead(text)).toEqual(first);
  }
});
