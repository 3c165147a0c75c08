/** The stream through the browser's EventSource, or a class that works like it. */

import type { OpenTransport } from "./transport.ts";
import type { EventSourceLike } from "./types.ts";

/** [spec] readyState CLOSED: "the user agent is not trying to reconnect". */
const CLOSED = 2;

/**
 * EventSource would reconnect by itself; here it never does: it is closed at its first error, so that
 * there is one place that decides when to connect again, with jitter and with a position for each topic.
 */
export function createEventSourceTransport(
  EventSource: new (url: string) => EventSourceLike,
): OpenTransport {
  return ({ url, token, types }, callbacks) => {
    // A header cannot be set on EventSource.
    const source = new EventSource(
      token === undefined ? url : `${url}&access_token=${encodeURIComponent(token)}`,
    );
    const listening = new Set<string>();
    let open = true;

    function close(): void {
      open = false;
      source.onerror = null;
      source.close();
    }

    function listen(type: string): void {
      if (listening.has(type)) return;
      listening.add(type);
      source.addEventListener(type, ({ data, lastEventId }) => {
        // `open` and `error` are EventSource's own events too: those have no data.
        if (!open || typeof data !== "string") return;
        callbacks.onAlive();
        callbacks.onMessage({ type, data, lastEventId });
      });
    }

    source.onopen = () => {
      if (open) callbacks.onAlive();
    };
    source.onerror = () => {
      const gaveUp = source.readyState === CLOSED;
      close();
      // The `eventsource` package sets its reconnect timer after this event; a second close clears it.
      queueMicrotask(() => source.close());
      callbacks.onEnd(
        gaveUp ? { kind: "unexplained" } : { kind: "lost", detail: "the connection broke" },
      );
    };
    for (const type of types) listen(type);
    return { seesEverything: false, listen, close };
  };
}
