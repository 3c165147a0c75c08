/**
 * Token expiries: ends a connection as soon as a token that it depends on has expired.
 *
 * A connection depends on the token that opened it, and on each later token that allowed one of its
 * topics. A topic that several tokens allowed lasts as long as the last of them.
 */

import type { Clock, Topic } from "@ovation/protocol";
import { EXPIRY_STEP_MS } from "../limits.ts";
import type { Connection } from "./connection.ts";

export interface TokenExpiriesOptions {
  readonly clock: Clock;
  /** See `FrontendOptions.steady`. */
  readonly steady: Clock;
  onExpired(connection: Connection): void;
}

export class TokenExpiries {
  readonly #options: TokenExpiriesOptions;
  /**
   * Topics that the connection's own token does not allow, each with the expiry of one that does.
   */
  readonly #topics = new Map<Connection, Map<Topic, number>>();
  /** The step at which a connection is looked at. Only those that a token ends have one. */
  readonly #steps = new Map<Connection, number>();
  /** The same by step of EXPIRY_STEP_MS: one timer for each. */
  readonly #due = new Map<number, Set<Connection>>();
  #stopped = false;

  constructor(options: TokenExpiriesOptions) {
    this.#options = options;
  }

  /** Connections that wait for an expiry. */
  get size(): number {
    return this.#steps.size;
  }

  /** The connection is open: its own token ends it. */
  watch(connection: Connection): void {
    const { clock, steady } = this.#options;
    const expiresAt = this.#expiresAt(connection);
    const endsAt = clock.now() + connection.endsAt - steady.now();
    // A lifetime that is over before needs no step; the heartbeats see to the connection's own
    // token should the wall clock be set. It is not ended early: the same token would be accepted
    // again.
    const isNeeded = expiresAt <= endsAt || this.#topics.has(connection);
    const step =
      isNeeded && Number.isFinite(expiresAt) ? Math.ceil(expiresAt / EXPIRY_STEP_MS) : undefined;
    const known = this.#steps.get(connection);
    if (step === known) return;
    if (known !== undefined) this.#due.get(known)?.delete(connection);
    if (step === undefined) this.#steps.delete(connection);
    else this.#schedule(connection, step);
  }

  /** A token that expires at `expiresAt` allows the topic; without an expiry, it does not end. */
  allow(connection: Connection, topic: Topic, expiresAt = Number.POSITIVE_INFINITY): void {
    const topics = this.#topics.get(connection) ?? new Map<Topic, number>();
    this.#topics.set(connection, topics);
    topics.set(topic, Math.max(topics.get(topic) ?? 0, expiresAt));
    this.watch(connection);
  }

  /** The topic was removed: its token does not matter any more. */
  drop(connection: Connection, topic: Topic): void {
    const topics = this.#topics.get(connection);
    if (topics?.delete(topic) !== true) return;
    if (topics.size === 0) this.#topics.delete(connection);
    this.watch(connection);
  }

  /** The connection is closed. */
  forget(connection: Connection): void {
    this.#topics.delete(connection);
    const step = this.#steps.get(connection);
    if (step === undefined) return;
    this.#steps.delete(connection);
    this.#due.get(step)?.delete(connection);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** The earliest moment at which something of the connection is not allowed any more. */
  #expiresAt(connection: Connection): number {
    let earliest = connection.identity?.expiresAt ?? Number.POSITIVE_INFINITY;
    for (const expiresAt of this.#topics.get(connection)?.values() ?? [])
      earliest = Math.min(earliest, expiresAt);
    return earliest;
  }

  #schedule(connection: Connection, step: number): void {
    this.#steps.set(connection, step);
    const known = this.#due.get(step);
    if (known !== undefined) {
      known.add(connection);
      return;
    }
    this.#due.set(step, new Set([connection]));
    this.#arm(step);
  }

  #arm(step: number): void {
    const { clock } = this.#options;
    clock.after(Math.max(1, step * EXPIRY_STEP_MS - clock.now()), () => {
      if (this.#stopped) return;
      // The wall clock may have been set back meanwhile.
      if (clock.now() < step * EXPIRY_STEP_MS) this.#arm(step);
      else this.#end(step);
    });
  }

  #end(step: number): void {
    const connections = this.#due.get(step) ?? [];
    this.#due.delete(step);
    for (const connection of connections) {
      this.#steps.delete(connection);
      this.#options.onExpired(connection);
    }
  }
}
