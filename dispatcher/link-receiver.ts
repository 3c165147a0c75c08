/**
 * The frontend's end of the links: takes batches of events from dispatchers into the inbox.
 *
 * A link is accepted only if it is signed and for this life of this frontend: after a restart at the
 * same address, what was meant for the one before is refused, and not delivered to strangers.
 * A batch that is not one is counted and ends the link; nothing of it is taken.
 */

import type { Inbox } from "@ovation/frontend";
import { type Clock, type FrontendId, Problem, steadyClock } from "@ovation/protocol";
import { decodeEvents, MalformedEventsError } from "./event-codec.ts";
import type { InternalAuth } from "./internal-auth.ts";
import { type InternalRefusals, refuse } from "./internal-route.ts";
import { createLinkArrival } from "./link-arrival.ts";
import * as limits from "./link-limits.ts";

export interface LinkReceiverOptions {
  readonly auth: InternalAuth;
  readonly frontend: FrontendId;
  readonly inbox: Inbox;
  readonly refusals: InternalRefusals;
  /** Default: the steady one. */
  readonly clock?: Clock;
}

/** What a WebSocket of a link carries. */
export interface LinkSocketData {
  readonly from: string;
  /** Taken, and of them told to the sender. */
  batches: number;
  acknowledged: number;
  /** Set while a link rests that was told something just now. */
  cancelRest: (() => void) | undefined;
}

export interface LinkReceiverStats {
  readonly open: number;
  /** Links that ended without a goodbye: their dispatcher died, or the network between. What it had in its hands nobody can count. */
  readonly broken: number;
  readonly batches: number;
  readonly events: number;
}

export interface LinkReceiver {
  readonly path: string;
  /** Checks the request and upgrades it; throws a Problem where it is refused. */
  upgrade(request: Request, server: Bun.Server<LinkSocketData>): Response | undefined;
  readonly websocket: Bun.WebSocketHandler<LinkSocketData>;
  stats(): LinkReceiverStats;
  /** Resolves when everything has arrived that dispatchers had sent before the call; see `link-arrival.ts`. */
  arrived(): Promise<void>;
  close(): void;
}

/** [spec] RFC 6455, 7.4.1: 1007 data not consistent with its type, 1008 policy, 1009 too big, 1012 service restart. */
const CLOSE = { malformed: 1007, replaced: 1008, tooBig: 1009, ended: 1012 } as const;
const IDLE_SECONDS = 30;

export function createLinkReceiver({ auth, frontend, inbox, refusals, clock = steadyClock }: LinkReceiverOptions): LinkReceiver {
  const links = new Map<string, Bun.ServerWebSocket<LinkSocketData>>();
  const arrival = createLinkArrival<Bun.ServerWebSocket<LinkSocketData>>(clock);
  let batches = 0;
  let events = 0;
  let broken = 0;

  return {
    path: limits.LINK_PATH,

    upgrade(request, server) {
      const verified = auth.verify({ method: "GET", path: limits.LINK_PATH, body: "" }, request.headers);
      if (typeof verified === "string") throw refuse(refusals, verified);
      if (verified.to !== frontend || !verified.from.startsWith("dispatcher ")) throw refuse(refusals, "not-the-caller");
      if (links.size >= limits.LINKS_MAX) throw new Problem("unavailable", "too many links", { retryAfterMs: 5000 });
      if (server.upgrade(request, { data: { from: verified.from, batches: 0, acknowledged: 0, cancelRest: undefined } })) return undefined;
      throw new Problem("invalid-parameter", "this address takes a WebSocket");
    },

    websocket: {
      maxPayloadLength: limits.LINK_MESSAGE_BYTES_MAX,
      idleTimeout: IDLE_SECONDS,
      perMessageDeflate: false,
      open(socket) {
        // A dispatcher has one link. What the old one still holds in its buffers would come out of order.
        links.get(socket.data.from)?.close(CLOSE.replaced, "replaced");
        links.set(socket.data.from, socket);
        arrival.opened(socket.data.from, socket);
      },
      pong(socket) {
        // What waits at the dispatcher for the word that these batches were taken comes before its next answer.
        if (socket.data.acknowledged < socket.data.batches) acknowledge(socket);
        arrival.answered(socket);
      },
      message(socket, message) {
        if (links.get(socket.data.from) !== socket) return;
        if (typeof message !== "string") return end(socket, "a batch is text");
        try {
          const decoded = decodeEvents(message, { eventsMax: limits.LINK_MESSAGE_EVENTS_MAX });
          batches++;
          events += decoded.length;
          if (message.length > limits.LINK_BATCH_BYTES_MAX / 4 || decoded.length >= limits.LINK_BATCH_EVENTS_MAX) arrival.filled();
          if (decoded.length > 0) inbox.dispatch(decoded);
        } catch (error) {
          if (!(error instanceof MalformedEventsError)) throw error;
          return end(socket, error.message);
        }
        taken(socket);
      },
      close(socket, code, reason) {
        socket.data.cancelRest?.();
        // Bun tells the sender 1009, and us by the reason only.
        if (code === CLOSE.tooBig || reason.includes("too big")) refusals.oversized++;
        const cleanly = code === limits.LINK_CLOSE_DONE;
        if (links.get(socket.data.from) === socket) {
          links.delete(socket.data.from);
          if (!cleanly) broken++;
        }
        arrival.closed(socket.data.from, socket, cleanly);
      },
    },

    stats: () => ({ open: links.size, broken, batches, events }),

    arrived: () => arrival.arrived(),

    close() {
      for (const link of links.values()) link.close(CLOSE.ended, "ended");
    },
  };

  /**
   * Hot path: at some thousand small batches a second, a message back for each is as much work as the batch, here and for
   * the dispatcher. So an idle link is told at once, a busy one now and then: how many batches of it were taken so far.
   */
  function taken(socket: Bun.ServerWebSocket<LinkSocketData>): void {
    const { data } = socket;
    data.batches++;
    if (data.cancelRest === undefined || data.batches - data.acknowledged >= limits.LINK_ACKNOWLEDGE_BATCHES) acknowledge(socket);
  }

  function acknowledge(socket: Bun.ServerWebSocket<LinkSocketData>): void {
    const { data } = socket;
    data.acknowledged = data.batches;
    socket.send(String(data.batches));
    data.cancelRest ??= clock.after(limits.LINK_ACKNOWLEDGE_REST_MS, () => {
      data.cancelRest = undefined;
      if (data.acknowledged < data.batches) acknowledge(socket);
    });
  }

  function end(socket: Bun.ServerWebSocket<LinkSocketData>, reason: string): void {
    refusals.malformed++;
    socket.close(CLOSE.malformed, reason);
  }
}
