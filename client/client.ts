/** The client: callbacks per topic over one stream, and the HTTP API with the same token. */

import { type Clock, parseTopic, TOPICS_PER_CONNECTION_MAX, type Topic } from "@ovation/protocol";
import { createLikes, type Likes } from "./likes.ts";
import { LOAD_AHEAD_MS, RETRY_MS } from "./limits.ts";
import { mustShareConnections, watchPage } from "./page.ts";
import { createPersist, createSendRequest, READ_PASSING_STATUSES } from "./request.ts";
import { IDLE } from "./state.ts";
import { createStream, type StreamEnvironment, type StreamSink } from "./stream/stream.ts";
import { createLateStream } from "./stream/stream-late.ts";
import { createTokenKeeper } from "./token.ts";
import { createEventSourceTransport } from "./transport/transport-event-source.ts";
import { createLateTransport } from "./transport/transport-late.ts";
import { tried } from "./tried.ts";
import type {
  Client,
  ClientEvent,
  ClientOptions,
  ConnectionState,
  GapData,
  Subscription,
  TopicHandlers,
} from "./types.ts";
import { createVideo } from "./video.ts";

interface Subscriber {
  readonly handlers: TopicHandlers;
  /** Whether `onSubscribed` was called. */
  subscribed: boolean;
}

/**
 * A client; it connects at the first subscription. Throws a TypeError where `url` is absent and
 * there is no page to take the server's URL from.
 */
export function createClient(options: ClientOptions = {}): Client {
  const fetchFunction =
    options.fetch ?? ((...parameters: Parameters<typeof fetch>) => fetch(...parameters));
  const random = options.random ?? Math.random;
  const clock = clockOf(options);
  const url = serverUrl(options.url);
  const token = createTokenKeeper(options.token);
  const send = createSendRequest(url, token, fetchFunction as typeof fetch);
  const persist = createPersist(clock, random);
  const persistRead = createPersist(clock, random, READ_PASSING_STATUSES);
  const subscribers = new Map<Topic, Set<Subscriber>>();
  const listeners = new Set<(state: ConnectionState) => void>();
  const likes = new Map<string, Likes>();
  let state = IDLE;

  function each(topic: Topic, run: (subscriber: Subscriber) => void): void {
    for (const subscriber of [...(subscribers.get(topic) ?? [])]) guard(() => run(subscriber));
  }

  let cancelAhead: (() => void) | undefined;

  const sink: StreamSink = {
    onState(next) {
      state = next;
      // Programs have their files locally, and a timer would keep them running.
      if (next.name === "connected" && typeof document !== "undefined")
        cancelAhead ??= clock.after(LOAD_AHEAD_MS, loadAhead);
      for (const listener of [...listeners]) guard(() => listener(next));
    },
    onEvent(event) {
      each(event.topic as Topic, ({ handlers }) => {
        if (event.type === "gap") handlers.onGap?.(event.data as unknown as GapData);
        // A type may be called `constructor`.
        else if (!(event.type in Object.prototype))
          (handlers as Record<string, ((event: ClientEvent) => void) | undefined>)[event.type]?.(
            event,
          );
        handlers.onEvent?.(event);
      });
    },
    onSubscribed: (topic, head) => each(topic, (subscriber) => announce(subscriber, head)),
    onReset: (topic, head) => each(topic, ({ handlers }) => handlers.onReset?.({ topic, head })),
    onRefused(topic, code) {
      each(topic, ({ handlers }) => handlers.onRefused?.(code));
      subscribers.delete(topic);
    },
  };

  function announce(subscriber: Subscriber, head: number): void {
    if (subscriber.subscribed) return;
    subscriber.subscribed = true;
    subscriber.handlers.onSubscribed?.({ head });
  }

  const environment = environmentOf(options, {
    url,
    clock,
    random,
    token,
    send,
    fetchFunction: fetchFunction as typeof fetch,
  });
  const own = () => createStream(environment, sink);
  // Where the file cannot be loaded, a separate connection works as well.
  const shared = () =>
    import("./tabs/stream-tab.ts").then(
      ({ createTabStream }) => createTabStream(environment, sink),
      own,
    );
  const stream = sharesTabs(options, url) ? createLateStream(shared()) : own();
  const stopWatching = watchPage({
    onOffline: () => stream.offline(),
    onWake: () => stream.wake(),
    onHide: flushLikes,
    onSleep: () => stream.sleep(),
  });

  function flushLikes(): void {
    for (const video of likes.values()) video.flush();
  }

  function setToken(source: ClientOptions["token"]): void {
    token.set(source);
    stream.tokenChanged();
  }

  return {
    get state() {
      return state;
    },
    onState(listener) {
      listeners.add(listener);
      guard(() => listener(state));
      return () => listeners.delete(listener);
    },
    subscribe(text, handlers): Subscription {
      const topic = parseTopic(text);
      if (topic === undefined) throw new TypeError(`not a topic: ${JSON.stringify(text)}`);
      if (state.name === "closed") throw new Error("the client is closed");
      const subscriber: Subscriber = { handlers, subscribed: false };
      const others = subscribers.get(topic);
      if (others === undefined && subscribers.size >= TOPICS_PER_CONNECTION_MAX) {
        queueMicrotask(() => guard(() => handlers.onRefused?.("too-many-topics")));
      } else if (others === undefined) {
        subscribers.set(topic, new Set([subscriber]));
        stream.add(topic);
      } else {
        others.add(subscriber);
        // The topic may be active already: then this subscriber begins at its current position.
        queueMicrotask(() => {
          const standing = stream.standing(topic);
          if (standing !== undefined && subscribers.get(topic)?.has(subscriber))
            guard(() => announce(subscriber, standing.seq));
        });
      }
      return {
        topic,
        unsubscribe() {
          const all = subscribers.get(topic);
          if (!all?.delete(subscriber) || all.size > 0) return;
          subscribers.delete(topic);
          stream.remove(topic);
        },
      };
    },
    video(id) {
      const waiting =
        likes.get(id) ?? createLikes(`/v1/videos/${encodeURIComponent(id)}/likes`, send, clock);
      likes.set(id, waiting);
      return createVideo(id, send, waiting, persist, persistRead);
    },
    request: (method, path, { persist: persisting = false, ...options } = {}) => {
      const run = () => send(method, path, options);
      if (method === "GET") return persistRead(run);
      return persisting ? persist(run) : run();
    },
    async guest(name) {
      const answer = (await send("POST", "/v1/guests", { body: { name } })) as Awaited<
        ReturnType<Client["guest"]>
      >;
      setToken(answer.token);
      return answer;
    },
    setToken,
    close() {
      cancelAhead?.();
      stopWatching();
      flushLikes();
      stream.close();
      subscribers.clear();
      listeners.clear();
    },
  };
}

/** An error in the application's callback is reported as uncaught, and stops nothing here. */
function guard(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
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

/** Not with a transport or an EventSource that the application chose. */
function sharesTabs(
  { shareTabs = true, transport, eventSource }: ClientOptions,
  url: string,
): boolean {
  return (
    shareTabs && transport === undefined && eventSource === undefined && mustShareConnections(url)
  );
}

const loadFetch = () => import("./transport/transport-fetch.ts");
const loadPoll = () => import("./transport/transport-poll.ts");

/** A failure here is retried when the file is needed. */
function loadAhead(): void {
  Promise.all([loadFetch(), loadPoll()]).catch(() => {});
}

type Parts = Pick<StreamEnvironment, "url" | "clock" | "random" | "token" | "send"> & {
  readonly fetchFunction: typeof fetch;
};

function environmentOf(
  { transport, eventSource, retryMs }: ClientOptions,
  { fetchFunction, ...parts }: Parts,
): StreamEnvironment {
  const own =
    eventSource ??
    tried(
      () =>
        (globalThis as { EventSource?: Exclude<ClientOptions["eventSource"], "fetch"> })
          .EventSource,
    );
  const usesEventSource = transport === undefined && own !== undefined && own !== "fetch";
  return {
    ...parts,
    retryMs: retryMs ?? RETRY_MS,
    openFetch:
      transport ??
      createLateTransport(() =>
        loadFetch().then(({ createFetchTransport }) => createFetchTransport(fetchFunction)),
      ),
    openEventSource: usesEventSource ? createEventSourceTransport(own) : undefined,
    openPoll:
      transport === undefined
        ? createLateTransport(() =>
            loadPoll().then(({ createPollTransport }) => createPollTransport(fetchFunction)),
          )
        : undefined,
  };
}
