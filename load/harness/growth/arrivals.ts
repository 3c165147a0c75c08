/**
 * When numbered events reached the frontends of a process: how many, and the last. And over how
 * many messages of links: heartbeats, which carry no event, are none of them.
 */

import type { Event } from "@ovation/protocol";
import { wallClock } from "../failover-publishers.ts";

/** The type of the events that the benchmark publishes. Their `data` is `{"n":NUMBER}`. */
export const GROWTH_EVENT = "growth";
const NUMBER_AT = '{"n":'.length;

export interface Arrival {
  readonly number: number;
  /** Frontends. */
  readonly count: number;
  /** ms since 1970. */
  readonly lastAt: number;
}

export class Arrivals {
  messages = 0;
  readonly #byNumber = new Map<number, { count: number; lastAt: number }>();

  /** The events of one message. */
  note(events: readonly Event[]): void {
    if (events.some(({ type }) => type === GROWTH_EVENT)) this.messages++;
    for (const { type, data } of events) {
      if (type !== GROWTH_EVENT) continue;
      const number = Number.parseInt(data.slice(NUMBER_AT), 10);
      const known = this.#byNumber.get(number);
      if (known === undefined) {
        this.#byNumber.set(number, { count: 1, lastAt: wallClock() });
      } else {
        known.count++;
        known.lastAt = wallClock();
      }
    }
  }

  take(): readonly Arrival[] {
    const all = [...this.#byNumber].map(([number, one]) => ({ number, ...one }));
    this.#byNumber.clear();
    return all;
  }
}
