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

import type { Clock, Event, FrontendId } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import { createBatchEncoder } from "../event-codec.ts";
import { LINK_SWEEP_MS, LINKS_MAX, LINKS_WAITING_BYTES_MAX } from "./limits.ts";
import { Link, type LinkOptions } from "./link.ts";
import { type FrontendLinks, type LinkStats, NO_LINK_STATS } from "./links.ts";

export interface NetworkLinksOptions extends LinkOptions {
  /** Default LINKS_MAX. */
  readonly linksMax?: number;
  /** A bound of all links was reached, for the log. */
  onLimit?(bound: "links" | "bytes"): void;
}

/** Of the heaviest link, when all links together hold too many bytes. */
const SHED_KEPT = 0.75;

export class NetworkLinks implements FrontendLinks {
  readonly #options: NetworkLinksOptions;
  readonly #clock: Clock;
  readonly #encode = createBatchEncoder();
  readonly #links = new Map<FrontendId, Link>();
  readonly #held = { bytes: 0 };
  /** Totals of closed links. */
  #past: LinkStats = NO_LINK_STATS;
  #evicted = 0;
  #shed = 0;
  #isClosed = false;
  #cancelSweep: () => void;

  constructor(options: NetworkLinksOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#cancelSweep = this.#scheduleSweep();
  }

  send(frontend: FrontendAddress, events: readonly Event[]): number {
    if (this.#isClosed || events.length === 0) return 0;
    let link = this.#links.get(frontend.id);
    if (link !== undefined && link.url !== frontend.url) {
      this.#remove(frontend.id, link);
      link = undefined;
    }
    link ??= this.#create(frontend);
    const dropped = link.send(events);
    return this.#held.bytes > LINKS_WAITING_BYTES_MAX ? dropped + this.#shedHeaviest() : dropped;
  }

  stats(): LinkStats {
    let sum = this.#past;
    for (const link of this.#links.values()) sum = add(sum, link.stats());
    return { ...sum, evicted: this.#evicted, shed: this.#shed };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelSweep();
    await Promise.all([...this.#links.values()].map((link) => link.drain()));
    for (const [id, link] of this.#links) this.#remove(id, link);
  }

  #create(frontend: FrontendAddress): Link {
    if (this.#links.size >= (this.#options.linksMax ?? LINKS_MAX)) this.#evict();
    const link = new Link({
      ...this.#options,
      frontend,
      encode: this.#encode,
      held: this.#held,
    });
    this.#links.set(frontend.id, link);
    return link;
  }

  /** The link that was not used for longest, one that holds nothing before the others. */
  #evict(): void {
    let [chosen] = this.#links;
    for (const entry of this.#links) {
      if (chosen !== undefined && order(entry[1]) < order(chosen[1])) chosen = entry;
    }
    if (chosen === undefined) return;
    this.#evicted++;
    this.#options.onLimit?.("links");
    this.#remove(...chosen);
  }

  /** So much more than needed that the next events do not shed again. */
  #shedHeaviest(): number {
    let heaviest: Link | undefined;
    for (const link of this.#links.values())
      if (link.pendingBytes > (heaviest?.pendingBytes ?? 0)) heaviest = link;
    if (heaviest === undefined) return 0;
    this.#shed++;
    this.#options.onLimit?.("bytes");
    const excess = this.#held.bytes - LINKS_WAITING_BYTES_MAX;
    return heaviest.shed(Math.max(0, heaviest.pendingBytes - excess) * SHED_KEPT);
  }

  #scheduleSweep(): () => void {
    return this.#clock.after(LINK_SWEEP_MS, () => {
      const now = this.#clock.now();
      for (const [id, link] of this.#links) if (link.isUnneeded(now)) this.#remove(id, link);
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

/** Links with pending events come after all that hold none. */
function order({ pendingBytes, lastUsedAt }: Link): number {
  return pendingBytes === 0 ? lastUsedAt : lastUsedAt + Number.MAX_SAFE_INTEGER / 2;
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
    evicted: left.evicted + right.evicted,
    shed: left.shed + right.shed,
    waiting: left.waiting + right.waiting,
    waitingBytes: left.waitingBytes + right.waitingBytes,
  };
}
