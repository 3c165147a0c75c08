import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ChunkedDecoder, LINE_BYTES_MAX } from "./chunked-decoder.ts";

/** The body, how many bytes were taken, and whether that was all of it. */
function decode(pieces: readonly Uint8Array[]): { body: string; taken: number; done: boolean } {
  const decoder = new ChunkedDecoder();
  let body = "";
  let taken = 0;
  for (const piece of pieces) {
    if (decoder.done) break;
    taken += decoder.push(piece, (bytes) => {
      body += Buffer.from(bytes).toString("latin1");
    });
  }
  return { body, taken, done: decoder.done };
}

const bytes = (text: string) => Buffer.from(text, "latin1");

describe("a body in chunks", () => {
  test("LINE_BYTES_MAX: a longer line of a size is refused, also before its end is there", () => {
    const line = (length: number) => `${"1;".padEnd(length - 2, "x")}\r\n`;
    const body = (length: number) => bytes(`${line(length)}a\r\n0\r\n\r\n`);
    expect(decode([body(LINE_BYTES_MAX)])).toMatchObject({ body: "a", done: true });
    expect(() => decode([body(LINE_BYTES_MAX + 1)])).toThrow("not chunks");
    expect(() => decode([bytes("1;".padEnd(LINE_BYTES_MAX + 1, "x"))])).toThrow("not chunks");
  });

  test("is what is in them; extensions and trailers are dropped", () => {
    const text = '5;name="x"\r\nHello\r\n7 ;a\r\n, world\r\n000\r\nTrailer: x\r\n\r\n';
    expect(decode([bytes(`${text}GET /`)])).toEqual({
      body: "Hello, world",
      taken: text.length,
      done: true,
    });
  });

  test("is the same however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }), {
          maxLength: 6,
        }),
        fc.array(fc.nat(20), { maxLength: 40 }),
        (chunks, cuts) => {
          const encoded = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
          const whole = bytes(`${encoded.join("")}0\r\n\r\nnext`);
          const pieces: Uint8Array[] = [];
          let at = 0;
          for (const cut of cuts) {
            pieces.push(whole.subarray(at, at + cut));
            at = Math.min(at + cut, whole.length);
          }
          pieces.push(whole.subarray(at));
          const { body, done } = decode(pieces);
          expect({ body, done }).toEqual({ body: chunks.join(""), done: true });
        },
      ),
      { numRuns: 500 },
    );
  });

  for (const [what, text] of [
    ["a size that is none", "zz\r\n"],
    ["no size", "\r\n"],
    ["a negative size", "-1\r\n"],
    ["a size beyond all limits", "fffffffff\r\n"],
    ["a line feed alone after the size", "1\na\r\n0\r\n\r\n"],
    ["a chunk longer than its size", "1\r\nab\r\n0\r\n\r\n"],
    ["a line without an end", "1".repeat(5000)],
    ["a space after the size", "1 \r\na\r\n0\r\n\r\n"],
    ["a trailer that is no header", "0\r\nGET / HTTP/1.1\r\n\r\n"],
    ["a NUL in a trailer", "0\r\nX: a\0\r\n\r\n"],
    ["endless trailers", `0\r\n${`X: ${"a".repeat(900)}\r\n`.repeat(40)}`],
  ] as const) {
    test(`is refused with ${what}`, () => expect(() => decode([bytes(text)])).toThrow());
  }
});
