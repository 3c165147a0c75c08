import { expect, test } from "bun:test";
import { PIECE_BYTES, PIECES_MAX } from "./limits.ts";
import { PieceBuffers } from "./piece-buffers.ts";

test("PIECES_MAX reads run at a time; further ones wait, also behind a failed one", async () => {
  const buffers = new PieceBuffers();
  const seen = new Set<Uint8Array>();
  const order: number[] = [];
  const reads = Array.from({ length: PIECES_MAX + 2 }, () => Promise.withResolvers<void>());
  const runs = reads.map(({ promise }, index) =>
    buffers.use(async (buffer) => {
      seen.add(buffer);
      order.push(index);
      await promise;
      return buffer.length;
    }),
  );
  await Bun.sleep(1);
  expect(order.length).toBe(PIECES_MAX);
  reads[3]?.reject(new Error("the disk"));
  expect(await runs[3]?.catch(String)).toBe("Error: the disk");
  reads[0]?.resolve();
  expect(await runs[0]).toBe(PIECE_BYTES);
  expect(order.slice(PIECES_MAX)).toEqual([PIECES_MAX, PIECES_MAX + 1]);
  for (const { resolve } of reads) resolve();
  await Promise.allSettled(runs);
  expect(seen.size).toBe(PIECES_MAX);
});
