/**
 * Heartbeats: one wheel for all connections, no timer of its own for any. It turns once in half the
 * heartbeat: a connection that was written to since the last look needs none, and is never silent
 * for longer than the whole. One that is stuck, or whose time is over, is ended here.
 */

import { type Clock, formatComment } from "@ovation/protocol";
import { Encoded } from "../broadcast/encoding.ts";
import type { CloseReason, Connection } from "./connection.ts";

const HEARTBEAT = Encoded.ofText(formatComment("heartbeat"));

export interface HeartbeatsOptions {
  readonly clock: Clock;
  /** For lifetimes and pending writes: setting the wall clock must not end or keep all of them. */
  readonly steady: Clock;
  readonly heartbeatMs: number;
  /** How long a write may stay pending. */
  readonly stuckMs: number;
  end(connection: Connection, reason: CloseReason): void;
  /** The heartbeat did not go out at once: the connection is slow. */
  pend(connection: Connection, drained: Promise<unknown>): void;
}

export const SLOTS_MAX = 32;

export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #slots: Set<Connection>[];
  readonly #slotMs: number;
  #at = 0;
  #added = 0;
  #cancel: () => void = () => {};

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
    const turnMs = options.heartbeatMs / 2;
    const slots = Math.max(1, Math.min(SLOTS_MAX, Math.floor(turnMs / 100)));
    this.#slotMs = turnMs / slots;
    this.#slots = Array.from({ length: slots }, () => new Set());
  }

  start(): void {
    this.#cancel = this.#options.clock.after(this.#slotMs, () => {
      this.#turn();
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  add(connection: Connection): void {
    connection.slot = this.#added++ % this.#slots.length;
    this.#slots[connection.slot]?.add(connection);
  }

  remove(connection: Connection): void {
    this.#slots[connection.slot]?.delete(connection);
  }

  #turn(): void {
    const now = this.#options.steady.now();
    const wallNow = this.#options.clock.now();
    const slot = this.#slots[this.#at++ % this.#slots.length];
    for (const connection of slot ?? []) {
      if (connection.pendingSince > 0) {
        if (now - connection.pendingSince > this.#options.stuckMs)
          this.#options.end(connection, "stuck");
      } else if (wallNow >= (connection.identity?.expiresAt ?? Number.POSITIVE_INFINITY)) {
        this.#options.end(connection, "token-expired");
      } else if (now >= connection.endsAt) {
        this.#options.end(connection, "lifetime");
      } else if (!connection.takeWrote()) {
        const waits = connection.writeBytes(HEARTBEAT.bytes(connection.form));
        connection.wrote = false;
        if (waits !== undefined && connection.open) this.#options.pend(connection, waits);
      }
    }
  }
}
