/**
 * Takes the batches of all links of a frontend into its inbox, and acknowledges them. The caller
 * makes the links (`receiver.ts`: WebSockets).
 *
 * A viewer that fails over from another frontend may have received there what is still in flight to
 * this one. It waits until that has arrived, for a bounded time (`arrival.ts`). A link that is
 * later than that is stale: its live events are dropped, here and, by `fresh` (see `limits.ts`), at
 * the dispatcher.
 *
 * A malformed batch is counted and ends the link; none of its events is taken.
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
import { LinkArrival } from "./arrival.ts";
import * as limits from "./limits.ts";

export interface LinkIntakeOptions {
  readonly inbox: Inbox;
  readonly refusals: Pick<InternalRefusals, "malformed" | "oversized">;
  readonly clock: Clock;
}

/** The state of one link. */
export interface LinkEndState {
  /** The dispatcher at its other end. */
  readonly from: string;
  /** Batches taken, and how many of them are acknowledged. */
  batches: number;
  acknowledged: number;
  /** Set while an acknowledgement was sent a moment ago, and the next one waits. */
  cancelRest: (() => void) | undefined;
  /**
   * Live events on this link predate a viewer that failed over to us; drop them to avoid
   * duplicates.
   */
  stale: boolean;
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
  /**
   * Links that ended without a close: the dispatcher died, or the network failed. The dispatcher's
   * pending events at that moment cannot be counted.
   */
  readonly broken: number;
  readonly batches: number;
  readonly events: number;
  /** Live events that were dropped because they were stale. */
  readonly stale: number;
}

/** [spec] RFC 6455, 7.4.1: 1007 inconsistent data, 1008 policy, 1009 too big, 1012 restart. */
const CLOSE = { malformed: 1007, replaced: 1008, tooBig: 1009, ended: 1012 } as const;

export class LinkIntake {
  readonly #inbox: Inbox;
  readonly #refusals: LinkIntakeOptions["refusals"];
  readonly #clock: Clock;
  readonly #arrival: LinkArrival<LinkEnd>;
  readonly #links = new Map<string, LinkEnd>();
  #batches = 0;
  #events = 0;
  #broken = 0;
  #stale = 0;

  constructor({ inbox, refusals, clock }: LinkIntakeOptions) {
    this.#inbox = inbox;
    this.#refusals = refusals;
    this.#clock = clock;
    this.#arrival = new LinkArrival(clock, (link) => {
      link.data.stale = true;
      link.send(limits.formatFresh(0));
    });
  }

  /** The state of a new link; throws a Problem where there are too many links. */
  admit(from: string): LinkEndState {
    if (this.#links.size >= limits.LINKS_MAX)
      throw new Problem("unavailable", "too many links", { retryAfterMs: 5000 });
    return { from, batches: 0, acknowledged: 0, cancelRest: undefined, stale: false };
  }

  opened(link: LinkEnd): void {
    // A dispatcher has one link: what the old one still buffers would come out of order.
    this.#links.get(link.data.from)?.close(CLOSE.replaced, "replaced");
    this.#links.set(link.data.from, link);
    link.send(limits.formatFresh(this.#arrival.sinceArrival));
    this.#arrival.opened(link.data.from, link);
  }

  /** The answer to a ping, with its text. */
  pong(link: LinkEnd, text: string): void {
    // Lets the dispatcher send the events that wait for this acknowledgement before its next pong.
    if (link.data.acknowledged < link.data.batches) this.#acknowledge(link);
    this.#arrival.pong(link, text);
  }

  message(link: LinkEnd, message: unknown): void {
    if (this.#links.get(link.data.from) !== link) return;
    if (typeof message !== "string") this.#end(link, "a batch is text");
    else if (message === limits.LINK_FRESH) link.data.stale = false;
    else this.#take(link, message);
  }

  closed(link: LinkEnd, code: number, reason: string): void {
    link.data.cancelRest?.();
    // Bun gives the sender the code 1009, and the receiver only the reason.
    if (code === CLOSE.tooBig || reason.includes("too big")) this.#refusals.oversized++;
    const isClean = code === limits.LINK_CLOSE_DONE;
    if (this.#links.get(link.data.from) === link) {
      this.#links.delete(link.data.from);
      if (!isClean) this.#broken++;
    }
    this.#arrival.closed(link.data.from, link, isClean);
  }

  stats(): LinkIntakeStats {
    return {
      open: this.#links.size,
      broken: this.#broken,
      batches: this.#batches,
      events: this.#events,
      stale: this.#stale,
    };
  }

  /** Resolves when everything has arrived that was sent before the call; see `arrival.ts`. */
  arrived(): Promise<void> {
    return this.#arrival.arrived();
  }

  close(): void {
    for (const link of this.#links.values()) link.close(CLOSE.ended, "ended");
  }

  #take(link: LinkEnd, message: string): void {
    try {
      const events = decodeEvents(message, { eventsMax: limits.LINK_MESSAGE_EVENTS_MAX });
      this.#batches++;
      this.#events += events.length - countGaps(events);
      if (
        message.length > limits.LINK_BATCH_BYTES_MAX / 4 ||
        events.length >= limits.LINK_BATCH_EVENTS_MAX
      )
        this.#arrival.filled();
      const current = link.data.stale ? this.#dropStale(events) : events;
      if (current.length > 0) this.#inbox.dispatch(current);
    } catch (error) {
      if (!(error instanceof MalformedEventsError)) throw error;
      this.#end(link, error.message);
      return;
    }
    this.#acknowledgeSoon(link);
  }

  #dropStale(events: readonly Event[]): readonly Event[] {
    const durable = events.filter(isDurable);
    const dropped = events.filter((event) => !isDurable(event));
    this.#stale += dropped.length - countGaps(dropped);
    return [...announceLoss(dropped, "away"), ...durable];
  }

  /**
   * Hot path: at thousands of small batches a second, an acknowledgement costs as much as a batch,
   * here and at the dispatcher. An idle link gets it at once, a busy one for several batches.
   */
  #acknowledgeSoon(link: LinkEnd): void {
    const { data } = link;
    data.batches++;
    if (
      data.cancelRest === undefined ||
      data.batches - data.acknowledged >= limits.LINK_ACKNOWLEDGE_BATCHES
    )
      this.#acknowledge(link);
  }

  #acknowledge(link: LinkEnd): void {
    const { data } = link;
    data.acknowledged = data.batches;
    link.send(String(data.batches));
    data.cancelRest ??= this.#clock.after(limits.LINK_ACKNOWLEDGE_REST_MS, () => {
      data.cancelRest = undefined;
      if (data.acknowledged < data.batches) this.#acknowledge(link);
    });
  }

  #end(link: LinkEnd, reason: string): void {
    this.#refusals.malformed++;
    link.close(CLOSE.malformed, reason);
  }
}
