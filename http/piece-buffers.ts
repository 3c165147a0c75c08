/**
 * The buffers for reading files: a few for all responses. One is held while the disk is read and
 * the kernel takes what it can, never while a client is waited for.
 */

import { PIECE_BYTES, PIECES_MAX } from "./limits.ts";

export class PieceBuffers {
  readonly #free: Uint8Array[] = [];
  readonly #waiting: ((buffer: Uint8Array) => void)[] = [];
  #made = 0;

  /** First come, first served. */
  async use<T>(run: (buffer: Uint8Array) => Promise<T>): Promise<T> {
    const buffer =
      this.#take() ?? (await new Promise<Uint8Array>((resolve) => this.#waiting.push(resolve)));
    try {
      return await run(buffer);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(buffer);
      else next(buffer);
    }
  }

  #take(): Uint8Array | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#made === PIECES_MAX) return free;
    this.#made++;
    return new Uint8Array(PIECE_BYTES);
  }
}
