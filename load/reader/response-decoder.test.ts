import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ResponseDecoder } from "./response-decoder.ts";
import { wholeZstdBytes, zstdFrameBytes } from "./zstd-frames.ts";

const EVENTS = [
  "data: one\n\n",
  ": beat\n\n",
  `id: 2\ndata: ${"word ".repeat(200)}\n\n`,
  "retry: 5\n\n",
];

function response(headers: string, parts: readonly Uint8Array[], chunked: boolean): Buffer {
  const head = Buffer.from(
    "HTTP/1.1 200 OK\r\nContent-Type: " +
      `text/event-stream\r\n${headers}${chunked ? "Transfer-Encoding: chunked\r\n" : ""}\r\n`,
  );
  const body = parts.map((part) =>
    chunked
      ? Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n")])
      : part,
  );
  return Buffer.concat([head, ...body]);
}

/**
 * Feeds the bytes cut at these places; an idle decoder is discarded and resumed, as the reader
 * does.
 */
function readInPieces(bytes: Buffer, cuts: readonly number[]): string {
  let decoder = new ResponseDecoder();
  let text = "";
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length]) {
    text += decoder.push(Buffer.from(bytes.subarray(from, to))).toString("latin1");
    if (decoder.idle) decoder = ResponseDecoder.resume(decoder.form);
    from = to;
  }
  return text;
}

const cuts = fc.array(fc.nat({ max: 5000 }), { maxLength: 8 });
const events = EVENTS.map((event) => Buffer.from(event));

describe("a response read in any pieces gives the same events", () => {
  const forms: [string, Buffer][] = [
    ["chunked", response("", events, true)],
    ["until it is closed", response("", events, false)],
    [
      "zstd frames, one in each chunk",
      response(
        "Content-Encoding: zstd\r\n",
        events.map((event) => Bun.zstdCompressSync(event)),
        true,
      ),
    ],
    [
      "a zstd frame over two events",
      response("Content-Encoding: zstd\r\n", [Bun.zstdCompressSync(Buffer.concat(events))], true),
    ],
  ];
  test.each(forms)("%s", (_, bytes) => {
    fc.assert(
      fc.property(cuts, (places) => {
        expect(readInPieces(bytes, places)).toBe(EVENTS.join(""));
      }),
      { interruptAfterTimeLimit: 1000 },
    );
  });
});

describe("the decoder", () => {
  test("recognises a refusal and when to return", () => {
    const decoder = new ResponseDecoder();
    decoder.push(Buffer.from("HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n"));
    expect({ status: decoder.status, retryAfterMs: decoder.retryAfterMs }).toEqual({
      status: 503,
      retryAfterMs: 3000,
    });
  });

  test("recognises the end of a chunked response", () => {
    const decoder = new ResponseDecoder();
    decoder.push(Buffer.concat([response("", events, true), Buffer.from("0\r\n\r\n")]));
    expect(decoder.ended).toBe(true);
  });

  test("recognises the end of a response with a length", () => {
    const decoder = new ResponseDecoder();
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n";
    expect(decoder.push(Buffer.from(`${head}retry: 50`)).toString()).toBe("");
    expect(decoder.ended).toBe(false);
    expect(decoder.push(Buffer.from("\n\n")).toString()).toBe("retry: 50\n\n");
    expect(decoder.ended).toBe(true);
  });

  test("rejects chunks without a size, and invalid zstd", () => {
    const chunked = new ResponseDecoder();
    expect(() =>
      chunked.push(Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")),
    ).toThrow("no size");
    const zstd = new ResponseDecoder();
    expect(() =>
      zstd.push(Buffer.from("HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\nplain text here")),
    ).toThrow("zstd");
  });
});

test("the length of a zstd frame is found from its headers, for any content", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.nat({ max: 300 }),
      fc.integer({ min: 1, max: 19 }),
      (content, repeats, level) => {
        const frame = Bun.zstdCompressSync(Buffer.concat(new Array(repeats + 1).fill(content)), {
          level,
        });
        expect(zstdFrameBytes(Buffer.concat([frame, Buffer.from([1, 2, 3])]), 0)).toBe(
          frame.length,
        );
        expect(wholeZstdBytes(Buffer.concat([frame, frame.subarray(0, frame.length - 1)]))).toBe(
          frame.length,
        );
      },
    ),
    { numRuns: 50, interruptAfterTimeLimit: 2000 },
  );
});
