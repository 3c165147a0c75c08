/** The Cluster slot of a key, and keys for a given slot. */

const tags = new Map<number, string>();

/**
 * A text that hashes to the slot: a key with it as its hash tag lies on the node that owns the
 * slot.
 */
export function tagOfSlot(slot: number): string {
  const known = tags.get(slot);
  if (known !== undefined) return known;
  for (let number = 0; ; number++) {
    const tag = number.toString(36);
    if (slotOf(tag) !== slot) continue;
    tags.set(slot, tag);
    return tag;
  }
}

/** CRC of each byte. XMODEM's: polynomial 1021, initial value 0. */
const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
  return crc & 0xffff;
});

/**
 * [spec] HASH_SLOT = CRC16(key) mod 16384. ASCII only, and no hash tags: our keys of topics have
 * none.
 */
export function slotOf(text: string): number {
  let crc = 0;
  for (let index = 0; index < text.length; index++) {
    crc = ((crc << 8) ^ (CRC_TABLE[((crc >> 8) ^ text.charCodeAt(index)) & 0xff] ?? 0)) & 0xffff;
  }
  return crc % 16_384;
}
