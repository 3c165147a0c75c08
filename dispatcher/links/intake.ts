/**
 * What comes in over the links of a frontend: batches of events into its inbox, and back the word how many
 * were taken. What the links are made of is the caller's (`receiver.ts`: WebSockets).
 *
 * Viewers who come from another frontend may have heard there what is still on its way here: they wait until it has
 * arrived, for a bounded time (`arrival.ts`). What comes later than that from before comes late: its live events are
 * dropped, here and where they wait at the dispatcher, which is told so by `fresh` (see `limits.ts`).
 *
 * A batch that is not one is counted and ends the link; nothing of it is taken.
 */

import type { Inbox } from "@ovation/frontend";
import {
  announceLoss,
  type Clock,
  countGaps,
  type Event,
  isDurable,
  Problem,
} from "@ovation/protocol";
import { decodeEvents, MalformedEventsError } from "../event-codec.ts";
import type { InternalRefusals } from "../internal/route.ts";
import { createLinkArrival } from "./arrival.ts";
import * as limits from "./limits.ts";

export interface LinkIntakeOptions {
  readonly inbox: Inbox;
  readonly refusals: Pick<InternalRefusals, "malformed" | "oversized">;
  readonly clock: Clock;
}

/** What is known of a link. */
export interface LinkEndState {
  /** The dispatcher at its other end. */
  readonly from: string;
  /** Taken, and of them told to the sender. */
  batches: number;
  acknowledged: number;
  /** Set while a link rests that was told something just now. */
  cancelRest: (() => void) | undefined;
  /** What comes over it was sent before somebody was let in who may have heard it elsewhere. */
  late: boolean;
}

/** The frontend's end of a link. A `ServerWebSocket` of Bun is one. */
export interface LinkEnd {
  readonly data: LinkEndState;
  send(message: string): unknown;
  ping(text: string): unknown;
  close(code: number, reason: string): void;
}

export interface LinkIntakeStats {
  readonly open: number;
  /** Links that ended without a goodbye: their dispatcher died, or the network between. What it had in its hands nobody can count. */
  readonly broken: number;
  readonly batches: number;
  readonly events: number;
  /** Live events that came late, and were dropped. */
  readonly late: number;
}

export interface LinkIntake {
  /** Throws a Problem where there are too many links already; otherwise what a new one begins with. */
  admit(from: string): LinkEndState;
  opened(link: LinkEnd): void;
  /** The answer to a ping, with its text. */
  pong(link: LinkEnd, text: string): void;
  message(link: LinkEnd, message: unknown): void;
  closed(link: LinkEnd, code: number, reason: string): void;
  stats(): LinkIntakeStats;
  /** Resolves when everything has arrived that dispatchers had sent before the call; see `arrival.ts`. */
  arrived(): Promise<void>;
  close(): void;
}

/** [spec] RFC 6455, 7.4.1: 1007 data not consistent with its type, 1008 policy, 1009 too big, 1012 service restart. */
const CLOSE = { malformed: 1007, replaced: 1008, tooBig: 1009, ended: 1012 } as const;

export function createLinkIntake({ inbox, refusals, clock }: LinkIntakeOptions): LinkIntake {
  const links = new Map<string, LinkEnd>();
  const arrival = createLinkArrival<LinkEnd>(clock, (link) => {
    link.data.late = true;
    link.send(limits.formatFresh(0));
  });
  let batches = 0;
  let events = 0;
  let broken = 0;
  let late = 0;

  /**
   * Hot path: at some thousand small batches a second, a message back for each is as much work as the batch, here and for
   * the dispatcher. So an idle link is told at once, a busy one now and then: how many batches of it were taken so far.
   */
  function taken(link: LinkEnd): void {
    const { data } = link;
    data.batches++;
    if (
      data.cancelRest === undefined ||
      data.batches - data.acknowledged >= limits.LINK_ACKNOWLEDGE_BATCHES
    )
      acknowledge(link);
  }

  function acknowledge(link: LinkEnd): void {
    const { data } = link;
    data.acknowledged = data.batches;
    link.send(String(data.batches));
    data.cancelRest ??= clock.after(limits.LINK_ACKNOWLEDGE_REST_MS, () => {
      data.cancelRest = undefined;
      if (data.acknowledged < data.batches) acknowledge(link);
    });
  }

  /** What of a batch may still be heard. */
  function fresh(link: LinkEnd, decoded: readonly Event[]): readonly Event[] {
    if (!link.data.late) return decoded;
    const durable = decoded.filter(isDurable);
    const dropped = decoded.filter((event) => !isDurable(event));
    late += dropped.length - countGaps(dropped);
    return [...announceLoss(dropped, "away"), ...durable];
  }

  function end(link: LinkEnd, reason: string): void {
    refusals.malformed++;
    link.close(CLOSE.malformed, reason);
  }

  return {
    admit(from) {
      if (links.size >= limits.LINKS_MAX)
        throw new Problem("unavailable", "too many links", { retryAfterMs: 5000 });
      return { from, batches: 0, acknowledged: 0, cancelRest: undefined, late: false };
    },

    opened(link) {
      // A dispatcher has one link. What the old one still holds in its buffers would come out of order.
      links.get(link.data.from)?.close(CLOSE.replaced, "replaced");
      links.set(link.data.from, link);
      link.send(limits.formatFresh(arrival.sinceArrival));
      arrival.opened(link.data.from, link);
    },

    pong(link, text) {
      // What waits at the dispatcher for the word that these batches were taken comes before its next answer.
      if (link.data.acknowledged < link.data.batches) acknowledge(link);
      arrival.answered(link, text);
    },

    message(link, message) {
      if (links.get(link.data.from) !== link) return;
      if (typeof message !== "string") return end(link, "a batch is text");
      if (message === limits.LINK_FRESH) {
        link.data.late = false;
        return;
      }
      try {
        const decoded = decodeEvents(message, { eventsMax: limits.LINK_MESSAGE_EVENTS_MAX });
        batches++;
        events += decoded.length - countGaps(decoded);
        if (
          message.length > limits.LINK_BATCH_BYTES_MAX / 4 ||
          decoded.length >= limits.LINK_BATCH_EVENTS_MAX
        )
          arrival.filled();
        const heard = fresh(link, decoded);
        if (heard.length > 0) inbox.dispatch(heard);
      } catch (error) {
        if (!(error instanceof MalformedEventsError)) throw error;
        return end(link, error.message);
      }
      taken(link);
    },

    closed(link, code, reason) {
      link.data.cancelRest?.();
      // Bun tells the sender 1009, and us by the reason only.
      if (code === CLOSE.tooBig || reason.includes("too big")) refusals.oversized++;
      const cleanly = code === limits.LINK_CLOSE_DONE;
      if (links.get(link.data.from) === link) {
        links.delete(link.data.from);
        if (!cleanly) broken++;
      }
      arrival.closed(link.data.from, link, cleanly);
    },

    stats: () => ({ open: links.size, broken, batches, events, late }),

    arrived: () => arrival.arrived(),

    close() {
      for (const link of links.values()) link.close(CLOSE.ended, "ended");
    },
  };
}
