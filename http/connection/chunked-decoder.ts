/**
 * Takes a body out of its chunks, from pieces of any size.
 *
 * size ──CRLF──▶ data ──all of it──▶ data-end ──CRLF──▶ size … ──0──▶ trailer ──empty line──▶ done
 *
 * [spec] RFC 9112, 7.1. Trailers are read and dropped.
 */

import { Problem } from "@ovation/protocol";
import { HEAD_BYTES_MAX } from "../limits.ts";

/** A size in hexadecimal, with extensions that are ignored. */
const SIZE_LINE = /^([0-9a-fA-F]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/;
/** A header's line, as `request-head.ts` has it. */
const TRAILER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;
/** A line of a size or a trailer, with its end. */
export const LINE_BYTES_MAX = 1024;
const LF = 10;

export class ChunkedDecoder {
  done = false;
  #state: "size" | "data" | "data-end" | "trailer" = "size";
  /** Bytes of the chunk that are still to come. */
  #left = 0;
  #line = "";
  #trailerBytes = 0;

  /**
   * Calls `take` with the bytes of the body; answers how many of `bytes` belonged to it. Throws
   * `invalid-request`.
   */
  push(bytes: Uint8Array, take: (bytes: Uint8Array) => void): number {
    let at = 0;
    while (at < bytes.length && !this.done) {
      if (this.#state === "data") {
        const end = Math.min(at + this.#left, bytes.length);
        take(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = "data-end";
        continue;
      }
      const newline = bytes.indexOf(LF, at);
      const end = newline < 0 ? bytes.length : newline + 1;
      this.#line += Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString("latin1");
      if (this.#line.length > LINE_BYTES_MAX) throw invalid();
      at = end;
      if (newline < 0) break;
      if (!this.#line.endsWith("\r\n")) throw invalid();
      const line = this.#line.slice(0, -2);
      this.#line = "";
      this.#takeLine(line);
    }
    return at;
  }

  #takeLine(line: string): void {
    if (this.#state === "size") {
      const size = SIZE_LINE.exec(line)?.[1];
      if (size === undefined) throw invalid();
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? "trailer" : "data";
    } else if (this.#state === "data-end") {
      if (line !== "") throw invalid();
      this.#state = "size";
    } else if (line === "") {
      this.done = true;
    } else {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > HEAD_BYTES_MAX || !TRAILER_LINE.test(line)) throw invalid();
    }
  }
}

function invalid(): Problem {
  return new Problem("invalid-request", "the chunks of the body are not chunks");
}
