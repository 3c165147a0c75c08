/**
 * The bytes of one response → its event stream: head, chunked transfer coding, zstd.
 *
 * A connection between two events (`idle`) needs no decoder: `resume` makes one from its form. So
 * the reader can discard the decoders of 100,000 quiet connections, and reuse a parsed chunk for
 * another one.
 */
import { CARRY_BYTES_MAX } from "../limits.ts";
import { wholeZstdBytes } from "./zstd-frames.ts";

/** How the body is encoded: learned from the head, the same for the whole response. */
export interface Form {
  readonly chunked: boolean;
  readonly zstd: boolean;
}

type Phase = "head" | "size" | "data" | "data-end" | "trailer" | "length" | "raw" | "end";

const CRLF = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");
const EMPTY = Buffer.alloc(0);

export class ResponseDecoder {
  /** HTTP status; 0 until the head is complete. */
  status = 0;
  /** `Retry-After` of a refusal, in ms. */
  retryAfterMs: number | undefined;
  form: Form = { chunked: false, zstd: false };
  #phase: Phase = "head";
  /** Body bytes of the current chunk that are still missing. */
  #remaining = 0;
  /** Bytes of an unfinished head or chunk-size line. */
  #pending: Buffer = EMPTY;
  /** Compressed bytes of an unfinished zstd frame. */
  #compressed: Buffer = EMPTY;
  /** Bytes of an unfinished event. */
  #text: Buffer = EMPTY;

  static resume(form: Form): ResponseDecoder {
    const decoder = new ResponseDecoder();
    decoder.status = 200;
    decoder.form = form;
    decoder.#phase = form.chunked ? "size" : "raw";
    return decoder;
  }

  /** Between two events and two chunks: no state. */
  get idle(): boolean {
    const between = this.#phase === "size" || this.#phase === "raw";
    return (
      between &&
      this.#pending.length === 0 &&
      this.#compressed.length === 0 &&
      this.#text.length === 0
    );
  }

  /** The server ended the response as HTTP has it: the last chunk, or the announced length. */
  get ended(): boolean {
    return this.#phase === "end";
  }

  /**
   * Takes the next bytes; returns those of complete events (each ends with an empty line), which
   * may be none.
   */
  push(bytes: Buffer): Buffer {
    const body = this.#unwrap(bytes);
    if (body.length === 0) return EMPTY;
    const text = this.form.zstd ? this.#decompress(body) : body;
    const all = this.#text.length === 0 ? text : Buffer.concat([this.#text, text]);
    const end = lastEventEnd(all);
    this.#text = keep(all.subarray(end));
    return all.subarray(0, end);
  }

  #unwrap(bytes: Buffer): Buffer {
    let rest = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    this.#pending = EMPTY;
    const parts: Buffer[] = [];
    while (rest.length > 0) {
      switch (this.#phase) {
        case "head": {
          const end = rest.indexOf(HEAD_END);
          if (end < 0) {
            this.#pending = keep(rest);
            return EMPTY;
          }
          this.#readHead(rest.toString("latin1", 0, end));
          rest = rest.subarray(end + HEAD_END.length);
          break;
        }
        case "size":
        case "trailer": {
          const end = rest.indexOf(CRLF);
          if (end < 0) {
            this.#pending = keep(rest);
            return join(parts);
          }
          if (this.#phase === "trailer") {
            if (end === 0) this.#phase = "end";
          } else {
            this.#remaining = parseInt(rest.toString("latin1", 0, end), 16);
            if (!(this.#remaining >= 0))
              throw new Error("the response is chunked, but a chunk has no size");
            this.#phase = this.#remaining === 0 ? "trailer" : "data";
          }
          rest = rest.subarray(end + CRLF.length);
          break;
        }
        case "data": {
          const taken = Math.min(this.#remaining, rest.length);
          parts.push(rest.subarray(0, taken));
          this.#remaining -= taken;
          rest = rest.subarray(taken);
          if (this.#remaining === 0) this.#phase = "data-end";
          break;
        }
        case "data-end":
          if (rest.length < CRLF.length) {
            this.#pending = keep(rest);
            return join(parts);
          }
          rest = rest.subarray(CRLF.length);
          this.#phase = "size";
          break;
        case "length": {
          const taken = Math.min(this.#remaining, rest.length);
          parts.push(rest.subarray(0, taken));
          this.#remaining -= taken;
          if (this.#remaining === 0) this.#phase = "end";
          return join(parts);
        }
        case "raw":
          parts.push(rest);
          return join(parts);
        case "end":
          return join(parts);
      }
    }
    return join(parts);
  }

  #readHead(head: string): void {
    const lines = head.split("\r\n");
    this.status = Number(lines[0]?.split(" ")[1] ?? 0);
    let length: number | undefined;
    for (const line of lines.slice(1)) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      if (name === "transfer-encoding" && value.toLowerCase() === "chunked")
        this.form = { ...this.form, chunked: true };
      if (name === "content-encoding" && value.toLowerCase() === "zstd")
        this.form = { ...this.form, zstd: true };
      if (name === "content-length") length = Number(value);
      if (name === "retry-after" && /^[0-9]+$/.test(value))
        this.retryAfterMs = Number(value) * 1000;
    }
    this.#remaining = length ?? 0;
    if (this.form.chunked) this.#phase = "size";
    else if (length === undefined) this.#phase = "raw";
    else this.#phase = length === 0 ? "end" : "length";
  }

  #decompress(body: Buffer): Buffer {
    const all = this.#compressed.length === 0 ? body : Buffer.concat([this.#compressed, body]);
    const whole = wholeZstdBytes(all);
    this.#compressed = keep(all.subarray(whole));
    return whole === 0 ? EMPTY : Bun.zstdDecompressSync(all.subarray(0, whole));
  }
}

/** The end of the last complete event: just past its empty line. */
function lastEventEnd(bytes: Buffer): number {
  const plain = bytes.lastIndexOf("\n\n");
  const crlf = bytes.lastIndexOf("\r\n\r\n");
  return Math.max(plain < 0 ? 0 : plain + 2, crlf < 0 ? 0 : crlf + 4);
}

/** A copy, so that an unfinished tail does not keep the whole chunk in memory. */
function keep(bytes: Buffer): Buffer {
  if (bytes.length > CARRY_BYTES_MAX)
    throw new Error("one event is longer than the reader's limit");
  return bytes.length === 0 ? EMPTY : Buffer.from(bytes);
}

function join(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? (parts[0] ?? EMPTY) : Buffer.concat(parts);
}
