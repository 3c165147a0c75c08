/**
 * Finds where a zstd frame ends, from its headers alone.
 *
 * A server that compresses once for all sends independent frames back to back; the reader must know
 * which are complete before it decompresses them.
 *
 * [spec] RFC 8878 section 3.1.1: magic, frame header, blocks of 3-byte headers, optional checksum.
 */
const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC_LOW = 0x184d2a50;
const BLOCK_RLE = 1;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const DICTIONARY_BYTES = [0, 1, 2, 4];

/**
 * Bytes of the frame that starts at `offset`; 0 where it is not complete yet. Throws where it is no
 * frame.
 */
export function zstdFrameBytes(bytes: Uint8Array, offset: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < offset + 8) return 0;
  const magic = view.getUint32(offset, true);
  // [spec] Skippable frames: the low four bits of the magic are free, a 4-byte size follows.
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC_LOW) {
    const total = 8 + view.getUint32(offset + 4, true);
    return bytes.length >= offset + total ? total : 0;
  }
  if (magic !== MAGIC) throw new Error("the response is declared as zstd, but its bytes are not");

  const descriptor = view.getUint8(offset + 4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  // [spec] With Single_Segment_flag set, a content size flag of 0 means one byte, and there is no
  // window descriptor.
  const contentSize = sizeFlag === 0 && singleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] ?? 0);
  const checksum = (descriptor & 0x04) === 0 ? 0 : 4;
  let at =
    offset + 5 + (singleSegment ? 0 : 1) + (DICTIONARY_BYTES[descriptor & 3] ?? 0) + contentSize;

  for (;;) {
    if (bytes.length < at + 3) return 0;
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
    const type = (header >>> 1) & 3;
    at += 3 + (type === BLOCK_RLE ? 1 : header >>> 3);
    if ((header & 1) === 1) break;
  }
  at += checksum;
  return bytes.length >= at ? at - offset : 0;
}

/** Bytes of all complete frames from the start on. */
export function wholeZstdBytes(bytes: Uint8Array): number {
  let offset = 0;
  for (;;) {
    const frame = zstdFrameBytes(bytes, offset);
    if (frame === 0) return offset;
    offset += frame;
  }
}
