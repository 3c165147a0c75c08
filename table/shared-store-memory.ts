/** The shared store of one process: bounded maps that evict the oldest keys. */

import { randomUUID } from "node:crypto";
import type { Clock } from "@ovation/protocol";
import {
  type Claim,
  checkSharedKey,
  checkSharedValue,
  type SharedStore,
  type Taken,
} from "./shared-store.ts";

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

/** The keys of one kind, and where the walk that removes expired ones has come to. */
class ExpiringKeys {
  readonly #clock: Clock;
  readonly #keysMax: number;
  readonly #entries = new Map<string, Entry>();
  #walk = this.#entries.entries();

  constructor(clock: Clock, keysMax: number) {
    this.#clock = clock;
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  read(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt > this.#clock.now()) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  write(key: string, value: string | number, ttlMs: number): void {
    // Deleted first, so that the map's order is the order of writing, and the first key the oldest.
    this.#entries.delete(key);
    if (this.#entries.size >= this.#keysMax) this.#makeRoom();
    this.#entries.set(key, { value, expiresAt: this.#clock.now() + ttlMs });
  }

  /** Keys expire at different times, so a walk over all of them finds those that no call reads. */
  sweep(): void {
    for (let looked = 0; looked < SWEEP_KEYS_MAX; looked++) {
      const next = this.#walk.next();
      if (next.done === true) {
        this.#walk = this.#entries.entries();
        return;
      }
      const [key, { expiresAt }] = next.value;
      if (expiresAt <= this.#clock.now()) this.#entries.delete(key);
    }
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Removes the oldest and some of the expired ones. */
  #makeRoom(): void {
    let looked = 0;
    for (const [key, entry] of this.#entries) {
      if (looked === 0 || entry.expiresAt <= this.#clock.now()) this.#entries.delete(key);
      if (++looked === 16) break;
    }
  }
}

export class MemorySharedStore implements SharedStore {
  readonly #clock: Clock;
  readonly #buckets: ExpiringKeys;
  readonly #claims: ExpiringKeys;
  readonly #values: ExpiringKeys;
  readonly #kinds: readonly ExpiringKeys[];
  #life: string = randomUUID();
  #isTimed = false;

  constructor(clock: Clock, keysMax = KEYS_MAX) {
    this.#clock = clock;
    this.#buckets = new ExpiringKeys(clock, keysMax);
    this.#claims = new ExpiringKeys(clock, keysMax);
    this.#values = new ExpiringKeys(clock, keysMax);
    this.#kinds = [this.#buckets, this.#claims, this.#values];
  }

  /** Keys in memory. */
  get size(): number {
    return this.#kinds.reduce((sum, kind) => sum + kind.size, 0);
  }

  async take(key: string, amount: number, limit: number, windowMs: number): Promise<Taken> {
    if (amount > limit) return { ok: false, retryAfterMs: windowMs };
    const now = this.#clock.now();
    const perUnitMs = windowMs / limit;
    const fullAt = Math.max(now, Number(this.#buckets.read(checkSharedKey(key))?.value ?? now));
    const nextFullAt = fullAt + amount * perUnitMs;
    if (nextFullAt - now > windowMs + 1e-6)
      return { ok: false, retryAfterMs: Math.ceil(nextFullAt - now - windowMs) };
    this.#write(this.#buckets, key, nextFullAt, nextFullAt - now);
    return { ok: true, retryAfterMs: 0 };
  }

  async claim(key: string, ttlMs: number): Promise<Claim> {
    const mine = this.#claims.read(checkSharedKey(key)) === undefined;
    if (mine) this.#write(this.#claims, key, 1, ttlMs);
    return { mine, life: this.#life };
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#write(this.#values, checkSharedKey(key), checkSharedValue(value), ttlMs);
  }

  async get(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    return keys.map((key) => {
      const value = this.#values.read(checkSharedKey(key))?.value;
      return value === undefined ? undefined : String(value);
    });
  }

  async close(): Promise<void> {
    for (const kind of this.#kinds) kind.clear();
    this.#life = randomUUID();
  }

  #write(kind: ExpiringKeys, key: string, value: string | number, ttlMs: number): void {
    kind.write(key, value, ttlMs);
    if (!this.#isTimed) this.#sweepLater();
  }

  #sweepLater(): void {
    this.#isTimed = true;
    this.#clock.after(
      SWEEP_EVERY_MS,
      () => {
        this.#isTimed = false;
        for (const kind of this.#kinds) kind.sweep();
        if (this.size > 0) this.#sweepLater();
      },
      true,
    );
  }
}
