/** Links inside one process: the frontend's inbox is called directly. */

import type { Inbox } from "@ovation/frontend";
import type { FrontendId } from "@ovation/protocol";
import type { FrontendLinks } from "./frontend-link.ts";

export interface LocalLinksOptions {
  /** The inbox of a frontend of this process, if it is one. */
  inboxOf(frontend: FrontendId): Inbox | undefined;
}

export function createLocalLinks({ inboxOf }: LocalLinksOptions): FrontendLinks {
  let sent = 0;
  let droppedAway = 0;
  return {
    send(frontend, events) {
      const inbox = inboxOf(frontend.id);
      if (inbox === undefined) {
        droppedAway += events.length;
        return;
      }
      sent += events.length;
      inbox.dispatch(events);
    },
    stats: () => ({
      open: 0,
      links: 0,
      sent,
      merged: 0,
      droppedFull: 0,
      droppedAway,
      lostInFlight: 0,
      reconnects: 0,
      waiting: 0,
      waitingBytes: 0,
    }),
    async close() {},
  };
}
