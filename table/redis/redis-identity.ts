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
 *
 * With it goes the age of the youngest part: how long ago a node started, or was emptied, at least.
 */

import { createHash, randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { tagOfSlot } from "./redis-slots.ts";
import { type RedisStore, script } from "./redis-store.ts";

/** The deadline of one node of a Cluster; the call around it still has time for the lease then. */
const NODE_TIMEOUT_MS = 400;

/**
 * KEYS: marker. ARGV: a new marker. A marker says when it was made, by the store's clock; one of an
 * earlier version does not, and is as old as the server.
 */
const IDENTITY = script(`
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
local marker = redis.call('GET', KEYS[1])
if not marker then
  marker = ARGV[1] .. '.' .. string.format('%.0f', now)
  redis.call('SET', KEYS[1], marker)
end
local info = redis.call('INFO', 'server')
local age = tonumber(string.match(info, 'uptime_in_seconds:(%d+)')) * 1000
local made = tonumber(string.match(marker, '%.(%d+)$'))
if made then age = math.min(age, math.max(0, now - made)) end
return string.match(info, 'run_id:(%w+)') .. ':' .. marker .. ' ' .. string.format('%.0f', age)`);

/** One incarnation of the store. */
export interface StoreLife {
  /** 16 characters of `[0-9a-f]`. */
  readonly identity: string;
  readonly ageMs: number;
}

export async function readIdentity(store: RedisStore): Promise<string> {
  return (await readLife(store)).identity;
}

export async function readLife(store: RedisStore): Promise<StoreLife> {
  const masters = store.masters();
  const parts = await Promise.all(
    masters.map(async ({ node, slot }) => {
      const part = readNode(node, `${store.prefix}:{${tagOfSlot(slot)}}:marker`);
      return masters.length === 1
        ? part
        : Promise.race([part.catch(() => "away"), awayAfter(NODE_TIMEOUT_MS)]);
    }),
  );
  const names = parts.map((part) => part.split(" ")[0] ?? "").sort();
  // A node that is away has no age.
  const ages = parts.map((part) => Number(part.split(" ")[1] ?? Number.POSITIVE_INFINITY));
  return {
    identity: createHash("sha256").update(names.join(" ")).digest("hex").slice(0, 16),
    ageMs: Math.min(...ages),
  };
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
