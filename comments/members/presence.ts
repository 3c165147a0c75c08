/**
 * Presence: whether a member is connected, by LinkedIn's rule (see `docs/members.md`).
 *
 * Frontends report every `heartbeatMs` (d) which members are connected, and at once when one
 * connects. A member is online from the first heartbeat, and offline when none came for d + ε; that
 * is announced d + 2ε after the last one. So a slow reconnect does not flicker, and a frontend
 * that dies needs no message.
 *
 * The state is one value per member in a store that all processes share. A process that received a
 * heartbeat reads it again later, and announces "offline" where no process received one since.
 */

import type { Clock } from "@ovation/protocol";
import {
  DEFAULT_RECORD_LIVES,
  PRESENCE_BATCH,
  PRESENCE_GRACE_MS,
  PRESENCE_HEARTBEAT_MS,
  PRESENCE_MEMBERS_MAX,
} from "../limits.ts";

/** Where presence is kept: the shared store of `table/` is one. */
export interface PresenceValues {
  set(key: string, value: string, ttlMs: number): Promise<void>;
  get(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
}

export interface PresenceStatus {
  readonly online: boolean;
  /** The last heartbeat, ms since 1970; absent where it is kept no more. */
  readonly seenAt?: number;
}

export interface PresenceOptions {
  readonly values: PresenceValues;
  readonly clock: Clock;
  /** A member came online or went offline. The receiver bounds the cost. */
  onChange(member: string, status: PresenceStatus): void | Promise<void>;
  onFailure(error: unknown): void;
  /** How long the last heartbeat is kept. */
  readonly keptMs?: number;
  readonly heartbeatMs?: number;
  readonly graceMs?: number;
}

export class Presence {
  readonly #options: PresenceOptions;
  readonly #keptMs: number;
  readonly #heartbeatMs: number;
  readonly #graceMs: number;
  /** Member → last heartbeat here, in the order of heartbeats: those that are due come first. */
  readonly #watched = new Map<string, number>();
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#keptMs = options.keptMs ?? DEFAULT_RECORD_LIVES.presenceMs;
    this.#heartbeatMs = options.heartbeatMs ?? PRESENCE_HEARTBEAT_MS;
    this.#graceMs = options.graceMs ?? PRESENCE_GRACE_MS;
  }

  /** Members whose heartbeats this process looks after. */
  get watched(): number {
    return this.#watched.size;
  }

  get #offlineAfterMs(): number {
    return this.#heartbeatMs + 2 * this.#graceMs;
  }

  async status(members: readonly string[]): Promise<readonly PresenceStatus[]> {
    const now = this.#options.clock.now();
    const statuses: PresenceStatus[] = [];
    for (let start = 0; start < members.length; start += PRESENCE_BATCH) {
      const texts = await this.#options.values.get(
        members.slice(start, start + PRESENCE_BATCH).map(keyOf),
      );
      for (const text of texts) {
        const seenAt = Number(text ?? Number.NaN);
        statuses.push(
          Number.isNaN(seenAt)
            ? { online: false }
            : { online: now - seenAt < this.#heartbeatMs + this.#graceMs, seenAt },
        );
      }
    }
    return statuses;
  }

  async #tell(member: string, status: PresenceStatus): Promise<void> {
    try {
      await this.#options.onChange(member, status);
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  /** These members are connected now. */
  async heartbeat(members: readonly string[]): Promise<void> {
    const before = await this.status(members);
    const now = this.#options.clock.now();
    for (let start = 0; start < members.length; start += PRESENCE_BATCH) {
      await Promise.all(
        members
          .slice(start, start + PRESENCE_BATCH)
          .map((member) => this.#options.values.set(keyOf(member), String(now), this.#keptMs)),
      );
    }
    for (const [index, member] of members.entries()) {
      this.#watch(member, now);
      if (before[index]?.online !== true) await this.#tell(member, { online: true, seenAt: now });
    }
    this.#schedule();
  }

  #watch(member: string, now: number): void {
    this.#watched.delete(member);
    // An evicted member is not announced as offline; a request for its status still is right.
    if (this.#watched.size >= PRESENCE_MEMBERS_MAX) {
      const oldest = this.#watched.keys().next().value;
      if (oldest !== undefined) this.#watched.delete(oldest);
    }
    this.#watched.set(member, now);
  }

  #schedule(): void {
    const oldest = this.#watched.values().next().value;
    if (this.#cancel !== undefined || this.#closed || oldest === undefined) return;
    this.#cancel = this.#options.clock.after(
      Math.max(0, oldest + this.#offlineAfterMs - this.#options.clock.now()),
      () => {
        this.#cancel = undefined;
        void this.#lookAgain();
      },
    );
  }

  /** Members without a recent heartbeat here: another process may have received one. */
  async #lookAgain(): Promise<void> {
    const dueBefore = this.#options.clock.now() - this.#offlineAfterMs;
    const due: string[] = [];
    for (const [member, at] of this.#watched) {
      if (at > dueBefore || due.length >= PRESENCE_BATCH) break;
      due.push(member);
    }
    try {
      const statuses = await this.status(due);
      for (const [index, member] of due.entries()) {
        if ((this.#watched.get(member) ?? 0) > dueBefore) continue;
        this.#watched.delete(member);
        const status = statuses[index];
        if (status !== undefined && !status.online) await this.#tell(member, status);
      }
    } catch (error) {
      this.#options.onFailure(error);
      // The store is unreachable: the members stay online a little longer.
      for (const member of due)
        if (this.#watched.has(member))
          this.#watch(member, this.#options.clock.now() - this.#heartbeatMs);
    }
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }
}

function keyOf(member: string): string {
  return `presence ${member}`;
}
