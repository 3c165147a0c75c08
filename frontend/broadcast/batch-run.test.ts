import { expect, test } from "bun:test";
import { zstdDecompressSync } from "node:zlib";
import { CHUNKED, PLAIN, ZSTD } from "../connections/wire-form.ts";
import { Batch } from "./batch.ts";
import { BatchRun, joinBytes } from "./batch-run.ts";

const before = { seq: 0, epoch: "" };
const batch = (number: number, text: string, durable = 0) =>
  new Batch({ number, order: number, text, events: 2, durable, before, liveBefore: 0 });
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("a run is its batches as one write, with the sums of their events", () => {
  const run = new BatchRun([batch(4, "data: a\n\n", 1), batch(5, "data: b\n\n", 2)], undefined);
  expect([run.from, run.next, run.events, run.durable]).toEqual([4, 6, 4, 3]);
  expect(textOf(run.bytes(PLAIN))).toBe("data: a\n\ndata: b\n\n");
  expect(textOf(run.bytes(CHUNKED))).toBe("12\r\ndata: a\n\ndata: b\n\n\r\n");
  expect(textOf(zstdDecompressSync(run.bytes(ZSTD)))).toBe("data: a\n\ndata: b\n\n");
});

test("a run of one batch has the bytes of the batch, not a copy", () => {
  const one = batch(1, "data: a\n\n");
  expect(new BatchRun([one], undefined).bytes(PLAIN)).toBe(one.encoded.bytes(PLAIN));
});

test("a form is aimed once, and sent to each descriptor", () => {
  const aimed: string[] = [];
  const sent: number[] = [];
  const aim = (bytes: Uint8Array) => {
    aimed.push(textOf(bytes));
    return (descriptor: number) => {
      sent.push(descriptor);
      return bytes.length;
    };
  };
  const run = new BatchRun([batch(1, "data: a\n\n")], { aim } as never);
  expect([run.send(PLAIN, 7), run.send(PLAIN, 8)]).toEqual([9, 9]);
  expect([aimed, sent]).toEqual([["data: a\n\n"], [7, 8]]);
});

test("without batches there is no run", () => {
  expect(() => new BatchRun([], undefined)).toThrow("at least one batch");
});

test("parts are joined in order; a single part is returned as it is", () => {
  const [first, second] = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  expect(joinBytes([first, second])).toEqual(Uint8Array.of(1, 2, 3));
  expect(joinBytes([first])).toBe(first);
  expect(joinBytes([])).toEqual(new Uint8Array(0));
});
