/**
 * Text to the bytes of one encoding. zstd is in-band: each batch is one independent frame, and a
 * decoder reads frames one after another, so the same compressed bytes go to everybody.
 */

import { zstdCompressSync } from "node:zlib";

const encoder = new TextEncoder();

/** A write of this size or less goes out as a stored block: compressing would make it longer. */
const STORED_BYTES_MAX = 64;

export function encodeText(text: string, zstd: boolean): Uint8Array {
  const plain = encoder.encode(text);
  return zstd ? compress(plain) : plain;
}

export function compress(plain: Uint8Array): Uint8Array {
  return plain.length <= STORED_BYTES_MAX ? storeInFrame(plain) : zstdCompressSync(plain);
}

/**
 * A zstd frame with one raw block.
 *
 * [spec] RFC 8878 section 3.1.1: magic number, frame header descriptor (single segment, content size
 * in one byte), content size, then a block header of 3 bytes: last block, raw type, size.
 */
function storeInFrame(plain: Uint8Array): Uint8Array {
  const frame = new Uint8Array(9 + plain.length);
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0x20, plain.length]);
  const header = 1 | (plain.length << 3);
  frame.set([header & 0xff, (header >> 8) & 0xff, (header >> 16) & 0xff], 6);
  frame.set(plain, 9);
  return frame;
}
