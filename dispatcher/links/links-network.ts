/**
 * Links over the network: one connection from this dispatcher to each frontend that it has events for, to
 * the address that the frontend's lease names. What the connection is made of is the caller's: a WebSocket
 * (`links-websocket.ts`), or a simulated one.
 *
 * The receiver acknowledges batches, and at most {@link LINK_BATCHES_UNACKNOWLEDGED_MAX} are under way:
 * while the frontend keeps up a batch leaves in the turn of the event loop in which its events came; when
 * it does not, events wait here, merge, and in the end are dropped and counted, instead of filling
 * buffers that nobody sees. A frontend that stops answering is noticed by the same means. A batch that
 * was under way when a link broke is not sent again: live events arrive at most once, and durable ones
 * are pulled by the frontend.
 */

import { countDurable, type FrontendId } from "@ovation/protocol";
import { createBatchEncoder } from "../event-codec.ts";
import { LINK_IDLE_MS_MAX, LINKS_MAX } from "./limits.ts";
import { createLink, type Link, type LinkOptions } from "./link.ts";
import { type FrontendLinks, type LinkStats, NO_LINK_STATS } from "./links.ts";

export function createFrontendLinks(options: LinkOptions): FrontendLinks {
  const { clock } = options;
  const links = new Map<FrontendId, Link>();
  const encode = createBatchEncoder();
  /** Of links that are gone. */
  let past: LinkStats = NO_LINK_STATS;
  let closed = false;
  let cancelSweep = clock.after(LINK_IDLE_MS_MAX / 4, forgetIdle);

  function forgetIdle(): void {
    const before = clock.now() - LINK_IDLE_MS_MAX;
    for (const [id, link] of links) if (link.lastUsedAt < before) forget(id, link);
    cancelSweep = clock.after(LINK_IDLE_MS_MAX / 4, forgetIdle);
  }

  function forget(id: FrontendId, link: Link): void {
    links.delete(id);
    link.close();
    past = add(past, { ...link.stats(), open: 0, links: 0, waiting: 0, waitingBytes: 0 });
  }

  return {
    send(frontend, events) {
      if (closed || events.length === 0) return;
      let link = links.get(frontend.id);
      if (link !== undefined && link.url !== frontend.url) {
        forget(frontend.id, link);
        link = undefined;
      }
      if (link === undefined) {
        if (links.size >= LINKS_MAX) {
          const durable = {
            ...past.durable,
            droppedFull: past.durable.droppedFull + countDurable(events),
          };
          past = { ...past, droppedFull: past.droppedFull + events.length, durable };
          return;
        }
        link = createLink({ ...options, frontend, encode });
        links.set(frontend.id, link);
      }
      link.send(events);
    },

    stats() {
      let sum = past;
      for (const link of links.values()) sum = add(sum, link.stats());
      return sum;
    },

    async close() {
      if (closed) return;
      closed = true;
      cancelSweep();
      await Promise.all([...links.values()].map((link) => link.drain()));
      for (const [id, link] of links) forget(id, link);
    },
  };
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
