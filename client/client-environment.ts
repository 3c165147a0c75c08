/** What a client needs from outside: its options, or the facilities of the page or runtime. */

import type { Clock } from "@ovation/protocol";
import { RETRY_MS } from "./limits.ts";
import { mustShareConnections } from "./page.ts";
import { createSendRequest } from "./requests/request.ts";
import { TokenKeeper } from "./requests/token-keeper.ts";
import type { StreamEnvironment } from "./stream/stream.ts";
import { createEventSourceTransport } from "./transport/transport-event-source.ts";
import { createLateTransport } from "./transport/transport-late.ts";
import { tried } from "./tried.ts";
import type { ClientOptions } from "./types.ts";

const loadFetch = () => import("./transport/transport-fetch.ts");
const loadPoll = () => import("./transport/transport-poll.ts");

/** Fetches the transports that may be needed later. A failure here is retried on use. */
export function loadAhead(): void {
  Promise.all([loadFetch(), loadPoll()]).catch(() => {});
}

/** Throws a TypeError where `url` is absent and there is no page to take the server's URL from. */
export function createEnvironment(options: ClientOptions): StreamEnvironment {
  const { transport, random = Math.random, retryMs = RETRY_MS } = options;
  const fetchFunction = (options.fetch ??
    ((...parameters: Parameters<typeof fetch>) => fetch(...parameters))) as typeof fetch;
  const url = serverUrl(options.url);
  const token = new TokenKeeper(options.token);
  return {
    url,
    clock: clockOf(options),
    random,
    retryMs,
    token,
    send: createSendRequest(url, token, fetchFunction),
    openFetch:
      transport ??
      createLateTransport(() =>
        loadFetch().then(({ createFetchTransport }) => createFetchTransport(fetchFunction)),
      ),
    openEventSource: eventSourceOf(options),
    openPoll:
      transport === undefined
        ? createLateTransport(() =>
            loadPoll().then(({ createPollTransport }) => createPollTransport(fetchFunction)),
          )
        : undefined,
  };
}

/** Not with a transport or an EventSource that the application chose. */
export function sharesTabs(
  { shareTabs = true, transport, eventSource }: ClientOptions,
  url: string,
): boolean {
  return (
    shareTabs && transport === undefined && eventSource === undefined && mustShareConnections(url)
  );
}

function serverUrl(given: string | undefined): string {
  const url = given ?? (typeof location === "undefined" ? undefined : location.origin);
  if (url === undefined) throw new TypeError("createClient needs the url of the server here");
  // On a page `/live` is the server below that path of the page's own origin.
  const absolute = typeof location === "undefined" ? url : new URL(url, location.href).href;
  return absolute.replace(/\/+$/, "");
}

function clockOf({ now = Date.now, after }: ClientOptions): Clock {
  return {
    now,
    after:
      after ??
      ((ms, run) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      }),
  };
}

function eventSourceOf({
  transport,
  eventSource,
}: ClientOptions): StreamEnvironment["openEventSource"] {
  const own =
    eventSource ??
    tried(
      () =>
        (globalThis as { EventSource?: Exclude<ClientOptions["eventSource"], "fetch"> })
          .EventSource,
    );
  return transport === undefined && own !== undefined && own !== "fetch"
    ? createEventSourceTransport(own)
    : undefined;
}
