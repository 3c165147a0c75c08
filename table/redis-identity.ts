/**
 * The identity of the store: a text that changes when any part of it may have lost rows.
 *
 * - A server that restarts has another `run_id`; so has a promoted replica, which may lack the last
 *   writes.
 * - A server that was emptied (`FLUSHALL`, `FLUSHDB`) lacks its marker key and gets a new one.
 *
 * Each node with keys is asked, since each can lose its own. One of several that does not answer
 * counts as `away`, so that leases are still renewed while a part of a Cluster is down, and that
 * the text changes when it returns.
 */

import { createHash, randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { tagOfSlot } from "./redis-slots.ts";
import { type RedisStore, script } from "./redis-store.ts";

/** The deadline of one node of a Cluster; the call around it still has time for the lease then. */
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
  const masters = store.masters();
  const parts = await Promise.all(
    masters.map(async ({ node, slot }) => {
      const part = readNode(node, `${store.prefix}:{${tagOfSlot(slot)}}:marker`);
      return masters.length === 1
        ? part
        : Promise.race([part.catch(() => "away"), awayAfter(NODE_TIMEOUT_MS)]);
    }),
  );
  return createHash("sha256").update(parts.sort().join(" ")).digest("hex").slice(0, 16);
}

async function readNode(node: Redis, key: string): Promise<string> {
  const marker = randomBytes(8).toString("hex");
  try {
    return String(await node.evalsha(IDENTITY.sha, 1, key, marker));
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
    return String(await node.eval(IDENTITY.text, 1, key, marker));
  }
}

function awayAfter(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve("away"), ms).unref());
}
