/**
 * Batches of one dispatcher elsewhere, put right: several are under way at a time, each on a connection
 * of its own, and may overtake each other. One that is early waits a little for those before it.
 */

import type { Clock, Event } from "@ovation/protocol";

/** How long a batch waits for one before it; what comes later than that is delivered late. */
export const REORDER_MS = 50;
/** Batches that wait for one before them; one more, and all are delivered as they are. */
export const HELD_MAX = 64;

export interface Reorder {
  /** Numbers count from 1; the first one that is seen starts the order. */
  accept(number: number, events: readonly Event[]): void;
  /** Delivers what waits. */
  flush(): void;
}

export interface ReorderOptions {
  readonly clock: Clock;
  deliver(events: readonly Event[]): void;
}

export function createReorder({ clock, deliver }: ReorderOptions): Reorder {
  let next: number | undefined;
  const held = new Map<number, readonly Event[]>();
  let cancelTimer: (() => void) | undefined;

  function deliverInOrder(): void {
    for (
      let events = next === undefined ? undefined : held.get(next);
      next !== undefined && events !== undefined;
      events = held.get(next)
    ) {
      held.delete(next);
      next++;
      deliver(events);
    }
    if (held.size === 0) {
      cancelTimer?.();
      cancelTimer = undefined;
    }
  }

  function flush(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    for (const number of [...held.keys()].sort((left, right) => left - right)) {
      const events = held.get(number) ?? [];
      held.delete(number);
      next = number + 1;
      deliver(events);
    }
  }

  return {
    accept(number, events) {
      next ??= number;
      if (number < next) {
        deliver(events);
        return;
      }
      held.set(number, events);
      deliverInOrder();
      if (held.size > HELD_MAX) flush();
      else if (held.size > 0) cancelTimer ??= clock.after(REORDER_MS, flush);
    },
    flush,
  };
}
