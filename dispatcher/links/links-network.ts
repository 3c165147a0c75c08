/**
 * Links over the network: one connection from this dispatcher to each frontend that it has events
 * for, at the URL in the frontend's lease. The caller makes the connection: a WebSocket
 * (`links-websocket.ts`), or a simulated one.
 *
 * The receiver acknowledges batches; at most {@link LINK_BATCHES_UNACKNOWLEDGED_MAX} are in flight.
 * While the frontend keeps up, a batch leaves in the turn of the event loop in which its events
 * came. When it does not, events are pending here, merge, and at their bound are dropped and
 * counted, instead of filling socket buffers. Missing acknowledgements also show a dead frontend.
 *
 * A batch that was in flight when a link broke is not sent again: live events arrive at most once,
 * and the frontend pulls durable ones from the log.
 */

import { type Clock, countDurable, type Event, type FrontendId } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import { createBatchEncoder } from "../event-codec.ts";
import { LINK_IDLE_MS_MAX, LINKS_MAX } from "./limits.ts";
import { Link, type LinkOptions } from "./link.ts";
import { type FrontendLinks, type LinkStats, NO_LINK_STATS } from "./links.ts";

export class NetworkLinks implements FrontendLinks {
  readonly #options: LinkOptions;
  readonly #clock: Clock;
  readonly #encode = createBatchEncoder();
  readonly #links = new Map<FrontendId, Link>();
  /** Totals of closed links. */
  #past: LinkStats = NO_LINK_STATS;
  #isClosed = false;
  #cancelSweep: () => void;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#cancelSweep = this.#scheduleSweep();
  }

  send(frontend: FrontendAddress, events: readonly Event[]): void {
    if (this.#isClosed || events.length === 0) return;
    let link = this.#links.get(frontend.id);
    if (link !== undefined && link.url !== frontend.url) {
      this.#remove(frontend.id, link);
      link = undefined;
    }
    link ??= this.#create(frontend);
    if (link === undefined) this.#drop(events);
    else link.send(events);
  }

  stats(): LinkStats {
    let sum = this.#past;
    for (const link of this.#links.values()) sum = add(sum, link.stats());
    return sum;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelSweep();
    await Promise.all([...this.#links.values()].map((link) => link.drain()));
    for (const [id, link] of this.#links) this.#remove(id, link);
  }

  #create(frontend: FrontendAddress): Link | undefined {
    if (this.#links.size >= LINKS_MAX) return undefined;
    const link = new Link({ ...this.#options, frontend, encode: this.#encode });
    this.#links.set(frontend.id, link);
    return link;
  }

  #drop(events: readonly Event[]): void {
    const { droppedFull, durable } = this.#past;
    this.#past = {
      ...this.#past,
      droppedFull: droppedFull + events.length,
      durable: { ...durable, droppedFull: durable.droppedFull + countDurable(events) },
    };
  }

  #scheduleSweep(): () => void {
    return this.#clock.after(LINK_IDLE_MS_MAX / 4, () => {
      const before = this.#clock.now() - LINK_IDLE_MS_MAX;
      for (const [id, link] of this.#links) if (link.lastUsedAt < before) this.#remove(id, link);
      this.#cancelSweep = this.#scheduleSweep();
    });
  }

  #remove(id: FrontendId, link: Link): void {
    this.#links.delete(id);
    link.close();
    const totals = { ...link.stats(), open: 0, links: 0, waiting: 0, waitingBytes: 0 };
    this.#past = add(this.#past, totals);
  }
}

function add(left: LinkStats, right: LinkStats): LinkStats {
  return {
    open: left.open + right.open,
    links: left.links + right.links,
    sent: left.sent + right.sent,
    merged: left.merged + right.merged,
    droppedFull: left.droppedFull + right.droppedFull,
    droppedAway: left.droppedAway + right.droppedAway,
    lostInFlight: left.lostInFlight + right.lostInFlight,
    durable: {
      sent: left.durable.sent + right.durable.sent,
      droppedFull: left.durable.droppedFull + right.durable.droppedFull,
      droppedAway: left.durable.droppedAway + right.durable.droppedAway,
      lostInFlight: left.durable.lostInFlight + right.durable.lostInFlight,
    },
    reconnects: left.reconnects + right.reconnects,
    waiting: left.waiting + right.waiting,
    waitingBytes: left.waitingBytes + right.waitingBytes,
  };
}
