/**
 * Knows when everything has arrived that was on the links at a moment: for viewers who come from another
 * frontend, where they may have heard it.
 *
 * A WebSocket answers a ping after what it sent before, so a round of pings to every dispatcher is such a
 * moment. It takes two rounds: the acknowledgements of what the first one pushed out let a dispatcher send
 * what waited with it for them; and further ones while batches come full, for then more waits behind them.
 * A link that broke holds more until it is open again, so rounds begin after that.
 * All who wait share the rounds: ten thousand who come at once cost what one costs.
 *
 * Nobody is waited for longer than the bounds below. A link that had not answered by then is late: what comes over it from
 * before is what those who were let in may have heard elsewhere. `intake.ts` has the dispatcher drop the live events of
 * that time, and drops those that are on the way already; also over a link that opens afterwards.
 */

import type { Clock } from "@ovation/protocol";
import { LINK_RECONNECT_MS_MAX } from "./limits.ts";

/** A dispatcher that does not answer a ping for this long stands still: nothing comes from it. */
export const ARRIVAL_ROUND_MS_MAX = 500;
/** A dispatcher whose link broke is waited for this long; then it is another one's turn, or it is dead. */
export const ARRIVAL_REOPEN_MS_MAX = 2 * LINK_RECONNECT_MS_MAX;
const ROUNDS = 2;
/** Links that are always full are not waited for longer than this. */
const ROUNDS_MAX = 16;

/** One end of a link. */
export interface PingedLink {
  /** The answer says the same text. */
  ping(text: string): unknown;
}

export interface LinkArrival<Link extends PingedLink> {
  /** The dispatcher's link is open, or the one that replaces another. */
  opened(dispatcher: string, link: Link): void;
  /** `cleanly`: the dispatcher closed it and keeps nothing for it. */
  closed(dispatcher: string, link: Link, cleanly: boolean): void;
  answered(link: Link, text: string): void;
  /** A batch came that was as large as they get. */
  filled(): void;
  /** Resolves when everything has arrived that dispatchers had sent before the call. Bounded by the times above. */
  arrived(): Promise<void>;
  /** How long ago somebody was let in, ms: what was sent before that and comes over a link that opens now, comes late. */
  readonly sinceArrival: number;
}

/** `onLate`: somebody is let in, though what was sent over this link has not arrived. */
export function createLinkArrival<Link extends PingedLink>(
  clock: Clock,
  onLate: (link: Link) => void,
): LinkArrival<Link> {
  const open = new Map<string, Link>();
  /** Dispatchers whose link broke: what they keep for this frontend comes when it is open again. */
  const broken = new Map<string, () => void>();
  const asked = new Set<Link>();
  let waiting: { rounds: number; readonly roundsMax: number; readonly resolve: () => void }[] = [];
  let begun = 0;
  let running = false;
  let full = false;
  let arrivedAt = Number.NEGATIVE_INFINITY;
  let cancelTimer = (): void => undefined;

  function begin(): void {
    if (running || waiting.length === 0 || broken.size > 0) return;
    running = true;
    begun++;
    full = false;
    for (const link of open.values()) {
      asked.add(link);
      link.ping(String(begun));
    }
    cancelTimer = clock.after(ARRIVAL_ROUND_MS_MAX, finish);
    if (asked.size === 0) finish();
  }

  function finish(): void {
    if (!running) return;
    running = false;
    cancelTimer();
    const silent = [...asked];
    asked.clear();
    if (full)
      for (const one of waiting)
        one.rounds = Math.min(one.roundsMax, Math.max(one.rounds, begun + 1));
    const done = waiting.filter(({ rounds }) => rounds <= begun);
    waiting = waiting.filter(({ rounds }) => rounds > begun);
    if (done.length > 0) {
      arrivedAt = clock.now();
      for (const link of silent) onLate(link);
    }
    for (const { resolve } of done) resolve();
    begin();
  }

  function settle(link: Link): void {
    if (asked.delete(link) && asked.size === 0) finish();
  }

  function mend(dispatcher: string): void {
    const cancel = broken.get(dispatcher);
    if (cancel === undefined) return;
    cancel();
    broken.delete(dispatcher);
    begin();
  }

  return {
    opened(dispatcher, link) {
      const before = open.get(dispatcher);
      open.set(dispatcher, link);
      if (before !== undefined) settle(before);
      // It was not asked yet, and may bring what waited for it.
      for (const one of waiting) one.rounds = Math.min(one.roundsMax, begun + ROUNDS);
      mend(dispatcher);
    },
    closed(dispatcher, link, cleanly) {
      if (open.get(dispatcher) === link) {
        open.delete(dispatcher);
        if (!cleanly)
          broken.set(
            dispatcher,
            clock.after(ARRIVAL_REOPEN_MS_MAX, () => mend(dispatcher)),
          );
      }
      settle(link);
    },
    answered(link, text) {
      // A late answer to an earlier round is none to this one.
      if (text === String(begun)) settle(link);
    },
    filled() {
      full = true;
    },
    arrived() {
      if (open.size === 0 && broken.size === 0) {
        arrivedAt = clock.now();
        return Promise.resolve();
      }
      // A round that is under way began before.
      return new Promise((resolve) => {
        waiting.push({ rounds: begun + ROUNDS, roundsMax: begun + ROUNDS_MAX, resolve });
        begin();
      });
    },
    get sinceArrival() {
      return clock.now() - arrivedAt;
    },
  };
}
