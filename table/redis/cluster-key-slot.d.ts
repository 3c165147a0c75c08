/** The package of ioredis that hashes a key to its slot has no types. */
declare module "cluster-key-slot" {
  /** [spec] HASH_SLOT = CRC16(key) mod 16384; of a key with a hash tag, CRC16(tag). */
  export default function slotOf(key: string): number;
}
