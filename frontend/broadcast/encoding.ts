/**
 * Frames to the bytes of each wire form. zstd is in-band: each write is one independent zstd frame,
 * and a decoder reads frames one after another, so the same compressed bytes go to every
 * connection.
 */

import { zstdCompressSync } from "node:zlib";
import { CHUNKED, PLAIN, UNNAMED, type WireForm, ZSTD } from "../connections/wire-form.ts";

/** Up to this size a write is a stored block: compression would make it longer. */
export const STORED_BYTES_MAX = 64;

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);
const LF = 10;
const CRLF_BYTES = 2;

/** Frames in every wire form, each made when it is first asked for. */
export class Encoded {
  /** What viewers over HTTP/1.1 have, who are nearly all. */
  readonly #chunked: Uint8Array;
  #others: (Uint8Array | undefined)[] | undefined;

  private constructor(chunked: Uint8Array) {
    this.#chunked = chunked;
  }

  static ofText(text: string): Encoded {
    return new Encoded(chunkOfText(text));
  }

  static ofBytes(plain: Uint8Array): Encoded {
    return new Encoded(frameChunk(plain));
  }

  /** Bytes of the chunk that it was given as. */
  get length(): number {
    return this.#chunked.length;
  }

  /** Bare and named: what the other forms are made of. */
  get plain(): Uint8Array {
    return this.bytes(PLAIN);
  }

  bytes(form: WireForm): Uint8Array {
    if (form === CHUNKED) return this.#chunked;
    const known = this.#others?.[form];
    if (known !== undefined) return known;
    const made = this.#make(form);
    this.#others ??= [];
    this.#others[form] = made;
    return made;
  }

  /** A bare form is a view of the inside of its chunk: the two share their memory. */
  #make(form: WireForm): Uint8Array {
    if ((form & CHUNKED) === 0) return insideOfChunk(this.bytes((form | CHUNKED) as WireForm));
    if (this.plain.length === 0) return NOTHING;
    if ((form & ZSTD) !== 0)
      return frameChunk(compress(this.bytes((form & ~ZSTD & ~CHUNKED) as WireForm)));
    if ((form & UNNAMED) !== 0) return frameChunk(moveTypesIntoData(this.plain));
    throw new Error("the chunked form is there from the start");
  }
}

/** For one connection: the forms that most ask for need nothing beside their bytes. */
export function encodeText(text: string, form: WireForm): Uint8Array {
  if (form === CHUNKED) return chunkOfText(text);
  return Encoded.ofText(text).bytes(form);
}

export function compress(plain: Uint8Array): Uint8Array {
  return plain.length <= STORED_BYTES_MAX ? storeInFrame(plain) : zstdCompressSync(plain);
}

/**
 * One chunk of the chunked transfer coding; nothing for no bytes, because an empty chunk is the
 * end.
 *
 * [spec] RFC 9112, 7.1: chunk-size in hexadecimal, CRLF, chunk-data, CRLF.
 */
export function frameChunk(plain: Uint8Array): Uint8Array {
  if (plain.length === 0) return NOTHING;
  const size = `${plain.length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafeSlow(size.length + plain.length + CRLF_BYTES);
  chunk.write(size, 0, "latin1");
  chunk.set(plain, size.length);
  chunk.write("\r\n", size.length + plain.length, "latin1");
  return chunk;
}

/** Hot path: the same of text, in one call of the encoder. */
function chunkOfText(text: string): Uint8Array {
  if (text === "") return NOTHING;
  return encoder.encode(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

function insideOfChunk(chunk: Uint8Array): Uint8Array {
  return chunk.subarray(chunk.indexOf(LF) + 1, Math.max(0, chunk.length - CRLF_BYTES));
}

/** A line of a frame. As Latin-1, byte for byte: in UTF-16, `^` also matches behind U+2028. */
const NAMED = /^event: ([^\n]*)\ndata: \{/gm;

function moveTypesIntoData(plain: Uint8Array): Uint8Array {
  const text = Buffer.from(plain.buffer, plain.byteOffset, plain.length).toString("latin1");
  return Buffer.from(text.replace(NAMED, 'data: {"type":"$1",'), "latin1");
}

/**
 * A zstd frame with one raw block.
 *
 * [spec] RFC 8878 section 3.1.1: magic number, frame header descriptor (single segment, content
 * size in one byte), content size, then a block header of 3 bytes: last block, raw type, size.
 */
function storeInFrame(plain: Uint8Array): Uint8Array {
  const frame = new Uint8Array(9 + plain.length);
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0x20, plain.length]);
  const header = 1 | (plain.length << 3);
  frame.set([header & 0xff, (header >> 8) & 0xff, (header >> 16) & 0xff], 6);
  frame.set(plain, 9);
  return frame;
}
