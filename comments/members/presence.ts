/**
 * Presence: whether a member is connected, by LinkedIn's rule (see `docs/members.md`).
 *
 * Frontends say every `heartbeatMs` (d) which members are connected, and at once when one connects. A
 * member is online from the first heartbeat; offline when none has come for d + ε, which is said d + 2ε
 * after the last one. So a reconnect, however clumsy, does not flicker, and a frontend that dies says
 * nothing and need not.
 *
 * The state is one value per member in a store that all processes share. Any process may get any
 * heartbeat: whoever had one looks again later, and only says "offline" where nobody had one since.
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

export interface Presence {
  /** These members are connected now. */
  heartbeat(members: readonly string[]): Promise<void>;
  status(members: readonly string[]): Promise<readonly PresenceStatus[]>;
  /** Members that this process has to look after. */
  readonly watched: number;
  close(): void;
}

export interface PresenceOptions {
  readonly values: PresenceValues;
  readonly clock: Clock;
  /** Somebody came or went. Bounded in cost by whoever tells it on. */
  onChange(member: string, status: PresenceStatus): void | Promise<void>;
  onFailure(error: unknown): void;
  /** How long the last heartbeat is kept. */
  readonly keptMs?: number;
  readonly heartbeatMs?: number;
  readonly graceMs?: number;
}

export function createPresence(options: PresenceOptions): Presence {
  const { values, clock } = options;
  const keptMs = options.keptMs ?? DEFAULT_RECORD_LIVES.presenceMs;
  const heartbeatMs = options.heartbeatMs ?? PRESENCE_HEARTBEAT_MS;
  const graceMs = options.graceMs ?? PRESENCE_GRACE_MS;
  const onlineMs = heartbeatMs + graceMs;
  const offlineAfterMs = heartbeatMs + 2 * graceMs;
  /** Member → last heartbeat here. In the order of the heartbeats: those who are due come first. */
  const watched = new Map<string, number>();
  let cancel: (() => void) | undefined;
  let closed = false;

  async function read(members: readonly string[]): Promise<readonly PresenceStatus[]> {
    const now = clock.now();
    const statuses: PresenceStatus[] = [];
    for (let start = 0; start < members.length; start += PRESENCE_BATCH) {
      const texts = await values.get(members.slice(start, start + PRESENCE_BATCH).map(keyOf));
      for (const text of texts) {
        const seenAt = Number(text ?? Number.NaN);
        statuses.push(
          Number.isNaN(seenAt) ? { online: false } : { online: now - seenAt < onlineMs, seenAt },
        );
      }
    }
    return statuses;
  }

  async function tell(member: string, status: PresenceStatus): Promise<void> {
    try {
      await options.onChange(member, status);
    } catch (error) {
      options.onFailure(error);
    }
  }

  async function heartbeat(members: readonly string[]): Promise<void> {
    const before = await read(members);
    const now = clock.now();
    for (let start = 0; start < members.length; start += PRESENCE_BATCH) {
      await Promise.all(
        members
          .slice(start, start + PRESENCE_BATCH)
          .map((member) => values.set(keyOf(member), String(now), keptMs)),
      );
    }
    for (const [index, member] of members.entries()) {
      watch(member, now);
      if (before[index]?.online !== true) await tell(member, { online: true, seenAt: now });
    }
    schedule();
  }

  function watch(member: string, now: number): void {
    watched.delete(member);
    // Beyond the bound the oldest is let go: they would be shown online until somebody asks.
    if (watched.size >= PRESENCE_MEMBERS_MAX) {
      const oldest = watched.keys().next().value;
      if (oldest !== undefined) watched.delete(oldest);
    }
    watched.set(member, now);
  }

  function schedule(): void {
    const oldest = watched.values().next().value;
    if (cancel !== undefined || closed || oldest === undefined) return;
    cancel = clock.after(Math.max(0, oldest + offlineAfterMs - clock.now()), () => {
      cancel = undefined;
      void lookAgain();
    });
  }

  /** Those without a heartbeat here for long enough: did another process have one? */
  async function lookAgain(): Promise<void> {
    const dueBefore = clock.now() - offlineAfterMs;
    const due: string[] = [];
    for (const [member, at] of watched) {
      if (at > dueBefore || due.length >= PRESENCE_BATCH) break;
      due.push(member);
    }
    try {
      const statuses = await read(due);
      for (const [index, member] of due.entries()) {
        if ((watched.get(member) ?? 0) > dueBefore) continue;
        watched.delete(member);
        const status = statuses[index];
        if (status !== undefined && !status.online) await tell(member, status);
      }
    } catch (error) {
      options.onFailure(error);
      // The store is away: everybody is given a little longer.
      for (const member of due) if (watched.has(member)) watch(member, clock.now() - heartbeatMs);
    }
    schedule();
  }

  return {
    heartbeat,
    status: read,
    get watched() {
      return watched.size;
    },
    close() {
      closed = true;
      cancel?.();
    },
  };
}

function keyOf(member: string): string {
  return `presence ${member}`;
}
