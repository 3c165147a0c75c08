/**
 * The frontend's end of the links as WebSockets, which dispatchers open at its internal listener.
 *
 * A link is accepted only if it is signed, and for this incarnation of this frontend: events for a
 * frontend that had the same URL before are refused, not delivered to other viewers.
 */

import type { Inbox } from "@ovation/frontend";
import { type Clock, type FrontendId, Problem, steadyClock } from "@ovation/protocol";
import type { InternalAuth } from "../internal/auth.ts";
import { type InternalRefusals, refuse } from "../internal/route.ts";
import { type LinkEndState, LinkIntake } from "./intake.ts";
import * as limits from "./limits.ts";

export interface LinkReceiverOptions {
  readonly auth: InternalAuth;
  readonly frontend: FrontendId;
  readonly inbox: Inbox;
  readonly refusals: InternalRefusals;
  /** Default: the steady one. */
  readonly clock?: Clock;
}

export interface LinkReceiver extends Pick<LinkIntake, "stats" | "arrived" | "close"> {
  readonly path: string;
  /** Checks the request and upgrades it; throws a Problem where it is refused. */
  upgrade(request: Request, server: Bun.Server<LinkEndState>): Response | undefined;
  readonly websocket: Bun.WebSocketHandler<LinkEndState>;
}

const IDLE_SECONDS = 30;

export function createLinkReceiver({
  auth,
  frontend,
  inbox,
  refusals,
  clock = steadyClock,
}: LinkReceiverOptions): LinkReceiver {
  const intake = new LinkIntake({ inbox, refusals, clock });
  return {
    path: limits.LINK_PATH,

    upgrade(request, server) {
      const call = { method: "GET", path: limits.LINK_PATH, body: "" };
      const verified = auth.verify(call, request.headers);
      if (typeof verified === "string") throw refuse(refusals, verified);
      if (!verified.from.startsWith("dispatcher ")) throw refuse(refusals, "not-the-caller");
      if (verified.to !== frontend) throw refuse(refusals, "earlier-life");
      if (server.upgrade(request, { data: intake.admit(verified.from) })) return undefined;
      throw new Problem("invalid-parameter", "this path takes a WebSocket");
    },

    websocket: {
      maxPayloadLength: limits.LINK_MESSAGE_BYTES_MAX,
      idleTimeout: IDLE_SECONDS,
      perMessageDeflate: false,
      open: (socket) => intake.opened(socket),
      pong: (socket, data) => intake.pong(socket, data.toString()),
      message: (socket, message) => intake.message(socket, message),
      close: (socket, code, reason) => intake.closed(socket, code, reason),
    },

    stats: () => intake.stats(),
    arrived: () => intake.arrived(),
    close: () => intake.close(),
  };
}
