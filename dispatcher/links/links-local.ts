/** Links within one process: each frontend's inbox is called directly. */

import type { Inbox } from "@ovation/frontend";
import { countDurable, type Event, type FrontendId } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import { type FrontendLinks, type LinkStats, NO_LINK_STATS } from "./links.ts";

export interface LocalLinksOptions {
  /** The inbox of a frontend of this process; `undefined` for any other frontend. */
  inboxOf(frontend: FrontendId): Inbox | undefined;
}

export class LocalLinks implements FrontendLinks {
  readonly #options: LocalLinksOptions;
  readonly #durable = { sent: 0, droppedFull: 0, droppedAway: 0, lostInFlight: 0 };
  #sent = 0;
  #droppedAway = 0;

  constructor(options: LocalLinksOptions) {
    this.#options = options;
  }

  send(frontend: FrontendAddress, events: readonly Event[]): number {
    const inbox = this.#options.inboxOf(frontend.id);
    if (inbox === undefined) {
      this.#droppedAway += events.length;
      this.#durable.droppedAway += countDurable(events);
      return 0;
    }
    this.#sent += events.length;
    this.#durable.sent += countDurable(events);
    inbox.dispatch(events);
    return 0;
  }

  stats(): LinkStats {
    const [sent, droppedAway, durable] = [this.#sent, this.#droppedAway, this.#durable];
    return { ...NO_LINK_STATS, sent, droppedAway, durable };
  }

  async close(): Promise<void> {}
}
