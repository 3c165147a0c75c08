import { expect, test } from "bun:test";
import { HEAD_BYTES_MAX } from "../limits.ts";
import { ChunkedDecoder } from "./chunked-decoder.ts";
import { takeHead } from "./head-intake.ts";

const START = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
const headOf = (bytes: number) => START + "a".repeat(bytes - START.length);
const REFUSED = expect.objectContaining({ code: "headers-too-large" });

test("HEAD_BYTES_MAX: a head of one byte more is refused, whole or not", () => {
  const taken = takeHead(Buffer.from(`${headOf(HEAD_BYTES_MAX)}\r\n\r\nrest`));
  expect(taken.head?.target).toBe("/");
  expect(taken.rest.toString()).toBe("rest");
  expect(takeHead(Buffer.from(headOf(HEAD_BYTES_MAX))).head).toBeUndefined();
  for (const text of [headOf(HEAD_BYTES_MAX + 1), `${headOf(HEAD_BYTES_MAX + 1)}\r\n\r\n`])
    expect(() => takeHead(Buffer.from(text))).toThrow(REFUSED);
});

test("HEAD_BYTES_MAX: the trailers of a body have as many, in lines of any length", () => {
  for (const [bytes, isTaken] of [
    [HEAD_BYTES_MAX, true],
    [HEAD_BYTES_MAX + 1, false],
  ] as const) {
    const decoder = new ChunkedDecoder();
    const read = () => {
      decoder.push(Buffer.from("0\r\n"), () => undefined);
      for (let left = bytes; left > 0; left -= 512) {
        const line = `X: ${"a".repeat(Math.min(512, left) - 3)}`;
        decoder.push(Buffer.from(`${left < 4 ? "X:".slice(0, left) : line}\r\n`), () => undefined);
      }
      decoder.push(Buffer.from("\r\n"), () => undefined);
      return decoder.done;
    };
    if (isTaken) expect(read()).toBe(true);
    else expect(read).toThrow();
  }
});
