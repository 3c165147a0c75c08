/** Frames of zstd, one after another, are one text: what browsers do with them is in `ovation/browser-tests/zstd.browser.ts`. */

import { describe, expect, test } from "bun:test";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { encodeText } from "./encoding.ts";

describe("the runtime", () => {
  test("reads zstd frames one after another as one text, ours that are stored too", () => {
    const frames = [
      encodeText("small", true),
      encodeText("x".repeat(500), true),
      encodeText("end", true),
    ];
    expect(zstdDecompressSync(Buffer.concat(frames)).toString()).toBe(`small${"x".repeat(500)}end`);
    expect(zstdCompressSync("y".repeat(500)).length).toBeLessThan(60);
  });

  test("writes a stored zstd frame for every length up to the limit", () => {
    for (let length = 0; length <= 64; length++) {
      const text = "a".repeat(length);
      expect(zstdDecompressSync(encodeText(text, true)).toString()).toBe(text);
    }
  });
});
