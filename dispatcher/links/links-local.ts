/** Links inside one process: the frontend's inbox is called directly. */

import type { Inbox } from "@ovation/frontend";
import { countDurable, type FrontendId } from "@ovation/protocol";
import { type FrontendLinks, NO_LINK_STATS } from "./links.ts";

export interface LocalLinksOptions {
  /** The inbox of a frontend of this process, if it is one. */
  inboxOf(frontend: FrontendId): Inbox | undefined;
}

export function createLocalLinks({ inboxOf }: LocalLinksOptions): FrontendLinks {
  let sent = 0;
  let droppedAway = 0;
  const durable = { sent: 0, droppedFull: 0, droppedAway: 0, lostInFlight: 0 };
  return {
    send(frontend, events) {
      const inbox = inboxOf(frontend.id);
      if (inbox === undefined) {
        droppedAway += events.length;
        durable.droppedAway += countDurable(events);
        return;
      }
      sent += events.length;
      durable.sent += countDurable(events);
      inbox.dispatch(events);
    },
    stats: () => ({ ...NO_LINK_STATS, sent, droppedAway, durable }),
    async close() {},
  };
}
