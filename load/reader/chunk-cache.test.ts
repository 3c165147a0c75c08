import { expect, test } from "bun:test";
import { parseBatch } from "../batch.ts";
import { ChunkCache } from "./chunk-cache.ts";

const buffer = Buffer.alloc(64 * 1024);

/** As a socket reads: over the previous content of the buffer. */
function read(text: string): [Buffer, number] {
  return [buffer, buffer.write(text, "latin1")];
}

test("a chunk is found by all of its bytes and no others", () => {
  const cache = new ChunkCache();
  // The two differ in one byte that the hash does not sample.
  const one = `data: ${"x".repeat(400)}1\n\n`;
  const two = `data: ${"x".repeat(400)}2\n\n`;
  const batch = parseBatch(Buffer.from(one), "test1");
  const [bytes, length] = read(one);
  cache.store(bytes.subarray(0, length), batch);
  expect(cache.find(...read(one))).toBe(batch);
  expect(cache.find(...read(two))).toBeUndefined();
  expect(cache.find(...read(`${one}${one}`))).toBeUndefined();
  expect(cache.find(...read(one.slice(0, -1)))).toBeUndefined();
  expect(cache.find(...read(one))).toBe(batch);
});

test("alternating chunks are found, except two that share a slot, and never confused", () => {
  const cache = new ChunkCache();
  const texts = Array.from(
    { length: 20 },
    (_, number) => `id: ${number}\ndata: event ${number} of some length\n\n`,
  );
  const batches = texts.map((text) => parseBatch(Buffer.from(text), "test1"));
  texts.forEach((text, number) => {
    cache.store(Buffer.from(text), batches[number]!);
  });
  for (let turn = 0; turn < 2; turn++) {
    const found = texts.map((text) => cache.find(...read(text)));
    expect(found.filter((batch) => batch !== undefined).length).toBeGreaterThan(15);
    for (const [number, batch] of found.entries())
      expect([batches[number], undefined]).toContain(batch);
  }
});
