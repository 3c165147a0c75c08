/**
 * Takes the body of the request in flight out of the received bytes: by its length or in chunks,
 * and within the limit.
 */

import { Problem } from "@ovation/protocol";
import { BODY_BYTES_MAX } from "../limits.ts";
import { ChunkedDecoder } from "./chunked-decoder.ts";
import type { IncomingBody } from "./incoming-body.ts";
import type { BodyForm } from "./request-head.ts";

export class BodyIntake {
  /** Why no more of it is taken: it is malformed, or too long. */
  problem: Problem | undefined;
  readonly #body: IncomingBody;
  readonly #chunks: ChunkedDecoder | undefined;
  /** Of a body of a known length, still to come. */
  #left: number;
  #received = 0;

  constructor(form: Exclude<BodyForm, { kind: "none" }>, body: IncomingBody) {
    this.#body = body;
    this.#chunks = form.kind === "chunked" ? new ChunkedDecoder() : undefined;
    this.#left = form.kind === "length" ? form.bytes : 0;
  }

  /** Bytes of the body that have come. */
  get received(): number {
    return this.#received;
  }

  /**
   * Returns how many bytes of `input` belonged to the body: all of them where the end of the body
   * is unknown.
   */
  take(input: Buffer): number {
    if (this.#body.ended || input.length === 0) return 0;
    try {
      return this.#chunks === undefined
        ? this.#takeByLength(input)
        : this.#takeChunks(input, this.#chunks);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem = error;
      this.#body.fail(error);
      return input.length;
    }
  }

  #takeByLength(input: Buffer): number {
    const taken = Math.min(input.length, this.#left);
    this.#left -= taken;
    this.#received += taken;
    this.#body.push(input.subarray(0, taken));
    if (this.#left === 0) this.#body.end();
    return taken;
  }

  #takeChunks(input: Buffer, chunks: ChunkedDecoder): number {
    const pieces: Uint8Array[] = [];
    const taken = chunks.push(input, (bytes) => {
      this.#received += bytes.length;
      if (this.#received > BODY_BYTES_MAX) {
        throw new Problem("body-too-large", `at most ${BODY_BYTES_MAX} bytes`, {
          bytesMax: BODY_BYTES_MAX,
        });
      }
      pieces.push(bytes);
    });
    const [first] = pieces;
    // One copy for all chunks that came together: a view for each single byte costs a hundred times
    // the byte.
    if (first !== undefined) this.#body.push(pieces.length === 1 ? first : Buffer.concat(pieces));
    if (chunks.done) this.#body.end();
    return taken;
  }
}
