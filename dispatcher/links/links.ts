/**
 * The way from a dispatcher to the frontends: one link per frontend, made when it is first needed.
 *
 * - `send` never waits and never throws. What it hands over is on its way or dropped and counted;
 *   nobody is told. (Durable events that are dropped here are pulled by the frontend: the repair lane.)
 * - Events of one dispatcher reach a frontend in the order of the `send` calls. Events of types that
 *   merge may meet in a batch that waits, and then leave as one, at the place of the first.
 * - Each link's buffer is bounded; when it is full the oldest live events are dropped first.
 */

import type { Event } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";

/** What did not arrive, or perhaps not. */
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
  waiting: 0,
  waitingBytes: 0,
};

/** Totals since the start, over all links, those that are gone too. */
export interface LinkStats {
  /** Links that are open at the moment, and links that exist. */
  readonly open: number;
  readonly links: number;
  /** Taken by the frontend. */
  readonly sent: number;
  /** Events that became part of another one while they waited. */
  readonly merged: number;
  /** The buffer was full. */
  readonly droppedFull: number;
  /** The frontend could not be reached within the time that events may wait for it. */
  readonly droppedAway: number;
  /** In a batch that was under way when a link broke: perhaps received, perhaps not. */
  readonly lostInFlight: number;
  /** The durable ones among these. */
  readonly durable: LinkLosses & { readonly sent: number };
  readonly reconnects: number;
  /** Events and bytes that wait at the moment. */
  readonly waiting: number;
  readonly waitingBytes: number;
}

export interface FrontendLinks {
  send(frontend: FrontendAddress, events: readonly Event[]): void;
  stats(): LinkStats;
  /** Hands over what can go out at once, then closes every link. */
  close(): Promise<void>;
}
