/**
 * Which life of the store this is: a text that changes when any part of it may have lost rows.
 *
 * - A server that restarts has another `run_id`; so has a replica that is promoted in its place, which
 *   may lack the last writes.
 * - A server that was emptied (`FLUSHALL`, `FLUSHDB`) lacks its marker key and gets another one.
 *
 * Each node that holds keys is asked, since each can lose its own. One that does not answer counts as
 * `away`, so that leases go on being renewed while a part of a Cluster is down, and that the text changes
 * when it returns.
 */

import { createHash, randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { type RedisStore, script } from "./redis-store.ts";

/** A node of a Cluster has this long; the call around it still has time for the lease then. */
const NODE_TIMEOUT_MS = 400;

/** KEYS: marker. ARGV: a new marker. */
const IDENTITY = script(`
local marker = redis.call('GET', KEYS[1])
if not marker then
  marker = ARGV[1]
  redis.call('SET', KEYS[1], marker)
end
return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') .. ':' .. marker`);

/** 16 characters of `[0-9a-f]`. */
export async function readIdentity(store: RedisStore): Promise<string> {
  const parts = await Promise.all(
    store.masters().map(async ({ node, slot }) => {
      const key = `${store.prefix}:{${tagOfSlot(slot)}}:marker`;
      return Promise.race([readNode(node, key), awayAfter(NODE_TIMEOUT_MS)]);
    }),
  );
  return createHash("sha256").update(parts.sort().join(" ")).digest("hex").slice(0, 16);
}

async function readNode(node: Redis, key: string): Promise<string> {
  const marker = randomBytes(8).toString("hex");
  try {
    return String(await node.evalsha(IDENTITY.sha, 1, key, marker));
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) return "away";
  }
  try {
    return String(await node.eval(IDENTITY.text, 1, key, marker));
  } catch {
    return "away";
  }
}

function awayAfter(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve("away"), ms).unref());
}

const tags = new Map<number, string>();

/** A text that hashes to the slot: a key with it as its hash tag lies on the node that owns the slot. */
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

/** [spec] HASH_SLOT = CRC16(key) mod 16384, the CRC being XMODEM's: polynomial 1021, initial value 0. ASCII only. */
function slotOf(text: string): number {
  let crc = 0;
  for (let index = 0; index < text.length; index++) {
    crc ^= text.charCodeAt(index) << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % 16_384;
}
