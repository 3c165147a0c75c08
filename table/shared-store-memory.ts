/** The shared store of one process: bounded maps that evict the oldest keys. */

import { randomUUID } from "node:crypto";
import type { Clock } from "@ovation/protocol";
import { checkSharedKey, checkSharedValue, type SharedStore } from "./shared-store.ts";

/**
 * Keys of each kind. Over it the oldest is evicted: the limits of one process under a flood of
 * addresses.
 */
const KEYS_MAX = 200_000;
/** How often expired keys are searched, and how many keys of each kind are examined then. */
const SWEEP_EVERY_MS = 1_000;
const SWEEP_KEYS_MAX = 2_000;

interface Entry {
  /** The value, or the time at which a bucket is full again. */
  readonly value: string | number;
  readonly expiresAt: number;
}

export interface MemorySharedStore extends SharedStore {
  /** Keys in memory. */
  readonly size: number;
}

export interface MemorySharedStoreOptions {
  readonly clock: Clock;
  readonly keysMax?: number;
}

export function createMemorySharedStore({
  clock,
  keysMax = KEYS_MAX,
}: MemorySharedStoreOptions): MemorySharedStore {
  const buckets = new Map<string, Entry>();
  const claims = new Map<string, Entry>();
  const values = new Map<string, Entry>();
  let life: string = randomUUID();
  const kinds = [buckets, claims, values].map((map) => ({ map, walk: map.entries() }));
  let isTimed = false;

  /** Keys expire at different times, so a walk over all of them finds those that no call reads. */
  function sweep(): void {
    for (const kind of kinds) {
      for (let looked = 0; looked < SWEEP_KEYS_MAX; looked++) {
        const next = kind.walk.next();
        if (next.done === true) {
          kind.walk = kind.map.entries();
          break;
        }
        const [key, { expiresAt }] = next.value;
        if (expiresAt <= clock.now()) kind.map.delete(key);
      }
    }
  }

  function sweepLater(): void {
    isTimed = true;
    clock.after(
      SWEEP_EVERY_MS,
      () => {
        isTimed = false;
        sweep();
        if (kinds.some(({ map }) => map.size > 0)) sweepLater();
      },
      true,
    );
  }

  function read(map: Map<string, Entry>, key: string): Entry | undefined {
    const entry = map.get(key);
    if (entry === undefined || entry.expiresAt > clock.now()) return entry;
    map.delete(key);
    return undefined;
  }

  function write(
    map: Map<string, Entry>,
    key: string,
    value: string | number,
    ttlMs: number,
  ): void {
    // Deleted first, so that the map's order is the order of writing, and the first key the oldest.
    map.delete(key);
    if (map.size >= keysMax) makeRoom(map);
    map.set(key, { value, expiresAt: clock.now() + ttlMs });
    if (!isTimed) sweepLater();
  }

  /** Removes the oldest and some of the expired ones. */
  function makeRoom(map: Map<string, Entry>): void {
    let looked = 0;
    for (const [key, entry] of map) {
      if (looked === 0 || entry.expiresAt <= clock.now()) map.delete(key);
      if (++looked === 16) break;
    }
  }

  return {
    get size() {
      return buckets.size + claims.size + values.size;
    },
    async take(key, amount, limit, windowMs) {
      if (amount > limit) return { ok: false, retryAfterMs: windowMs };
      const now = clock.now();
      const perUnitMs = windowMs / limit;
      const fullAt = Math.max(now, Number(read(buckets, checkSharedKey(key))?.value ?? now));
      const nextFullAt = fullAt + amount * perUnitMs;
      if (nextFullAt - now > windowMs + 1e-6)
        return { ok: false, retryAfterMs: Math.ceil(nextFullAt - now - windowMs) };
      write(buckets, key, nextFullAt, nextFullAt - now);
      return { ok: true, retryAfterMs: 0 };
    },
    async claim(key, ttlMs) {
      const mine = read(claims, checkSharedKey(key)) === undefined;
      if (mine) write(claims, key, 1, ttlMs);
      return { mine, life };
    },
    async set(key, value, ttlMs) {
      write(values, checkSharedKey(key), checkSharedValue(value), ttlMs);
    },
    async get(keys) {
      return keys.map((key) => {
        const value = read(values, checkSharedKey(key))?.value;
        return value === undefined ? undefined : String(value);
      });
    },
    async close() {
      for (const map of [buckets, claims, values]) map.clear();
      life = randomUUID();
    },
  };
}
