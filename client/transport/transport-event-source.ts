/** The stream through the browser's EventSource, or a class that works like it. */

import type { EventSourceLike } from "../types.ts";
import type { OpenTransport, TransportEnd } from "./transport.ts";

/** [spec] readyState CLOSED: "the user agent is not trying to reconnect". */
const CLOSED = 2;

/**
 * EventSource would reconnect by itself; here it never does: it is closed at its first error, so
 * that one place decides when to reconnect, with jitter and a position per topic. Every event
 * arrives as `message`, with its type inside, because the URL asks for that.
 */
export function createEventSourceTransport(
  EventSource: new (url: string) => EventSourceLike,
): OpenTransport {
  return ({ url, token }, callbacks) => {
    // A header cannot be set on EventSource.
    const source = new EventSource(
      token === undefined ? url : `${url}&access_token=${encodeURIComponent(token)}`,
    );
    let open = true;

    function close(): void {
      open = false;
      source.onerror = null;
      source.close();
    }

    function end(how: TransportEnd): void {
      close();
      // The `eventsource` package sets its reconnect timer after this event; a second close clears
      // it.
      queueMicrotask(() => source.close());
      callbacks.onEnd(how);
    }

    source.addEventListener("message", ({ data, lastEventId }) => {
      if (!open) return;
      callbacks.onAlive();
      callbacks.onMessage({ type: "message", data, lastEventId });
    });
    // A server from before `events=message` names its events: only fetch sees all of them.
    source.addEventListener("connection", () => {
      if (open) end({ kind: "unexplained" });
    });
    source.onopen = () => {
      if (open) callbacks.onAlive();
    };
    source.onerror = () => {
      const gaveUp = source.readyState === CLOSED;
      end(gaveUp ? { kind: "unexplained" } : { kind: "lost", detail: "the connection broke" });
    };
    return { seesHeartbeats: false, close };
  };
}
