/**
 * Consecutive zstd frames decode to one text. `ovation/browser-tests/zstd.browser.ts` holds what
 * browsers do with them.
 */

import { describe, expect, test } from "bun:test";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { wireForm } from "../connections/wire-form.ts";
import { encodeText, STORED_BYTES_MAX } from "./encoding.ts";

const zstd = wireForm({ zstd: true });

describe("the runtime", () => {
  test("reads zstd frames one after another as one text, ours that are stored too", () => {
    const frames = [
      encodeText("small", zstd),
      encodeText("x".repeat(500), zstd),
      encodeText("end", zstd),
    ];
    expect(zstdDecompressSync(Buffer.concat(frames)).toString()).toBe(`small${"x".repeat(500)}end`);
    expect(zstdCompressSync("y".repeat(500)).length).toBeLessThan(60);
  });

  test("writes a stored zstd frame for every length up to the limit", () => {
    for (let length = 1; length <= STORED_BYTES_MAX; length++) {
      const text = "a".repeat(length);
      expect(zstdDecompressSync(encodeText(text, zstd)).toString()).toBe(text);
      expect(Buffer.from(encodeText(text, zstd)).includes(text)).toBe(true);
    }
    const longer = "a".repeat(STORED_BYTES_MAX + 1);
    const compressed = Buffer.from(encodeText(longer, zstd));
    expect(compressed.includes(longer)).toBe(false);
    expect(zstdDecompressSync(compressed).toString()).toBe(longer);
  });
});
