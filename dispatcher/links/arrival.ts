/**
 * Knows when everything has arrived that was on the links at a moment. Viewers that fail over to
 * this frontend wait for it: they may have received these events from the frontend before.
 *
 * A WebSocket answers a ping after what it sent before, so a round of pings to every dispatcher
 * marks such a moment. It takes two rounds: the acknowledgements that the first one forces let a
 * dispatcher send the events that were pending for them. While batches are full, more events are
 * pending behind them, and further rounds follow. A broken link keeps events until it is open
 * again: rounds begin after that. All waiters share the rounds: 10,000 cost what one costs.
 *
 * The waits are bounded (below). A link that did not answer in time is stale: live events on it
 * predate the viewers that were admitted. `intake.ts` drops them, in flight and at the dispatcher,
 * also on a link that opens later.
 */

import type { Clock } from "@ovation/protocol";
import { LINK_RECONNECT_MS_MAX } from "./limits.ts";

/** A dispatcher that does not answer a ping for this long hangs: nothing comes from it. */
export const ARRIVAL_ROUND_MS_MAX = 500;
/** The wait for a dispatcher whose link broke; after that it has died or another has its work. */
export const ARRIVAL_REOPEN_MS_MAX = 2 * LINK_RECONNECT_MS_MAX;
const ROUNDS = 2;
/** Bounds the wait for links that are always full. */
const ROUNDS_MAX = 16;

/** One end of a link. */
export interface PingedLink {
  /** The pong carries the same text. */
  ping(text: string): unknown;
}

interface Waiter {
  /** The number of the round that it waits for; the largest number that it can be raised to. */
  round: number;
  readonly roundMax: number;
  readonly resolve: () => void;
}

export class LinkArrival<Link extends PingedLink> {
  readonly #clock: Clock;
  readonly #onStale: (link: Link) => void;
  readonly #open = new Map<string, Link>();
  /** Dispatchers whose link broke; the value cancels the timer that ends the wait for it. */
  readonly #broken = new Map<string, () => void>();
  /** Links whose pong this round waits for. */
  readonly #pinged = new Set<Link>();
  #waiters: Waiter[] = [];
  #round = 0;
  #isRunning = false;
  #isFull = false;
  #arrivedAt = Number.NEGATIVE_INFINITY;
  #cancelTimer = (): void => undefined;

  /** `onStale`: viewers are admitted, though what was on this link has not arrived. */
  constructor(clock: Clock, onStale: (link: Link) => void) {
    this.#clock = clock;
    this.#onStale = onStale;
  }

  /** The dispatcher's link is open, or the one that replaces another. */
  opened(dispatcher: string, link: Link): void {
    const before = this.#open.get(dispatcher);
    this.#open.set(dispatcher, link);
    if (before !== undefined) this.#settle(before);
    // It was not pinged yet, and may bring events that were pending for it.
    for (const waiter of this.#waiters)
      waiter.round = Math.min(waiter.roundMax, this.#round + ROUNDS);
    this.#endWaitFor(dispatcher);
  }

  /** `isClean`: the dispatcher closed it and keeps nothing for it. */
  closed(dispatcher: string, link: Link, isClean: boolean): void {
    if (this.#open.get(dispatcher) === link) {
      this.#open.delete(dispatcher);
      if (!isClean) {
        const end = () => this.#endWaitFor(dispatcher);
        this.#broken.set(dispatcher, this.#clock.after(ARRIVAL_REOPEN_MS_MAX, end));
      }
    }
    this.#settle(link);
  }

  pong(link: Link, text: string): void {
    // A late pong of an earlier round does not count.
    if (text === String(this.#round)) this.#settle(link);
  }

  /** A batch of the largest size came: more may be pending behind it. */
  filled(): void {
    this.#isFull = true;
  }

  /** Resolves when everything has arrived that was sent before the call; bounded as above. */
  arrived(): Promise<void> {
    if (this.#open.size === 0 && this.#broken.size === 0) {
      this.#arrivedAt = this.#clock.now();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      // A round in progress began earlier, and does not count.
      const round = this.#round + ROUNDS;
      this.#waiters.push({ round, roundMax: this.#round + ROUNDS_MAX, resolve });
      this.#begin();
    });
  }

  /** Ms since viewers were last admitted: live events from before are stale on a new link. */
  get sinceArrival(): number {
    return this.#clock.now() - this.#arrivedAt;
  }

  #begin(): void {
    if (this.#isRunning || this.#waiters.length === 0 || this.#broken.size > 0) return;
    this.#isRunning = true;
    this.#round++;
    this.#isFull = false;
    for (const link of this.#open.values()) {
      this.#pinged.add(link);
      link.ping(String(this.#round));
    }
    this.#cancelTimer = this.#clock.after(ARRIVAL_ROUND_MS_MAX, () => this.#finish());
    if (this.#pinged.size === 0) this.#finish();
  }

  #finish(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#cancelTimer();
    const silent = [...this.#pinged];
    this.#pinged.clear();
    if (this.#isFull)
      for (const waiter of this.#waiters)
        waiter.round = Math.min(waiter.roundMax, Math.max(waiter.round, this.#round + 1));
    const done = this.#waiters.filter(({ round }) => round <= this.#round);
    this.#waiters = this.#waiters.filter(({ round }) => round > this.#round);
    if (done.length > 0) {
      this.#arrivedAt = this.#clock.now();
      for (const link of silent) this.#onStale(link);
    }
    for (const { resolve } of done) resolve();
    this.#begin();
  }

  #settle(link: Link): void {
    if (this.#pinged.delete(link) && this.#pinged.size === 0) this.#finish();
  }

  #endWaitFor(dispatcher: string): void {
    const cancel = this.#broken.get(dispatcher);
    if (cancel === undefined) return;
    cancel();
    this.#broken.delete(dispatcher);
    this.#begin();
  }
}
