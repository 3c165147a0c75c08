/**
 * Parses each distinct chunk once.
 *
 * A broadcast sends the same bytes to every connection, so what one of them says holds for all: a chunk is looked up by a
 * cheap hash and then compared byte by byte, which keeps the reuse exact.
 */
import type { Batch } from "./batch.ts";
import { CACHED_CHUNK_BYTES_MAX, CACHED_CHUNKS_MAX } from "./limits.ts";

export class ChunkCache {
  readonly #bytes: (Buffer | undefined)[] = new Array(CACHED_CHUNKS_MAX).fill(undefined);
  readonly #batches: (Batch | undefined)[] = new Array(CACHED_CHUNKS_MAX).fill(undefined);

  /** Hot path: one hash and one `memcmp`, no allocation. */
  find(chunk: Buffer): Batch | undefined {
    const slot = hash(chunk);
    const known = this.#bytes[slot];
    return known !== undefined && known.length === chunk.length && known.equals(chunk) ? this.#batches[slot] : undefined;
  }

  /** Keeps the chunk itself: whoever calls gives it away. */
  store(chunk: Buffer, batch: Batch): void {
    if (chunk.length > CACHED_CHUNK_BYTES_MAX) return;
    const slot = hash(chunk);
    this.#bytes[slot] = chunk;
    this.#batches[slot] = batch;
  }
}

/** Samples bytes all over the chunk: ids, numbers and topics differ somewhere in its first event. */
function hash(chunk: Buffer): number {
  let value = chunk.length;
  const end = Math.min(chunk.length, 256);
  for (let index = 5; index < end; index += 5) value = (Math.imul(value, 31) + (chunk[index] ?? 0)) | 0;
  return (value >>> 0) % CACHED_CHUNKS_MAX;
}
