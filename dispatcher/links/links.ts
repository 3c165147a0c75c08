/**
 * The links from a dispatcher to the frontends: one per frontend, created when it is first needed.
 *
 * - `send` never waits and never throws. Its events are in flight, or dropped and counted; the
 *   caller is not told. The frontend pulls dropped durable events from the log (repair).
 * - Events of one dispatcher reach a frontend in the order of the `send` calls. Events of types
 *   that merge may meet while they wait: then they leave as one, in the position of the first.
 * - The pending events of each link, and of all links together, are bounded: beyond, the oldest
 *   live events are dropped first. The number of links is bounded: beyond, the link that was not
 *   used for longest is closed.
 */

import type { Event } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";

/** Events that were not delivered, or perhaps not. */
export interface LinkLosses {
  readonly droppedFull: number;
  readonly droppedAway: number;
  readonly lostInFlight: number;
}

export const NO_LINK_STATS: LinkStats = {
  open: 0,
  links: 0,
  sent: 0,
  merged: 0,
  droppedFull: 0,
  droppedAway: 0,
  lostInFlight: 0,
  durable: { sent: 0, droppedFull: 0, droppedAway: 0, lostInFlight: 0 },
  reconnects: 0,
  evicted: 0,
  shed: 0,
  waiting: 0,
  waitingBytes: 0,
};

/** Totals since the start of the process, over all links, closed ones included. */
export interface LinkStats {
  /** Links that are open now, and links that exist now. */
  readonly open: number;
  readonly links: number;
  /** Events that the frontend acknowledged. */
  readonly sent: number;
  /** Events that were merged into another one while they waited. */
  readonly merged: number;
  /** The pending events were at their bound. */
  readonly droppedFull: number;
  /** The frontend was unreachable for longer than events may wait. */
  readonly droppedAway: number;
  /** In flight when a link broke: received, or not. */
  readonly lostInFlight: number;
  /** The durable ones among these. */
  readonly durable: LinkLosses & { readonly sent: number };
  readonly reconnects: number;
  /** Links closed because there were too many; the events that they held count as dropped. */
  readonly evicted: number;
  /** How often a link dropped events because all links together held too many bytes. */
  readonly shed: number;
  /** Events that are pending now, and their bytes. */
  readonly waiting: number;
  readonly waitingBytes: number;
}

export interface FrontendLinks {
  /** How many events were dropped at once, because a bound was reached; also earlier ones. */
  send(frontend: FrontendAddress, events: readonly Event[]): number;
  stats(): LinkStats;
  /** Sends what can leave at once, then closes every link. */
  close(): Promise<void>;
}
