/** The client: callbacks per topic over one stream, and the HTTP API with the same token. */

import { createEnvironment, loadAhead, sharesTabs } from "./client-environment.ts";
import { Likes } from "./likes.ts";
import { LOAD_AHEAD_MS } from "./limits.ts";
import { watchPage } from "./page.ts";
import { createPersist, READ_PASSING_STATUSES } from "./requests/request.ts";
import { Subscriptions } from "./state/subscriptions.ts";
import type { Stream, StreamEnvironment, StreamSink } from "./stream/stream.ts";
import { DirectStream } from "./stream/stream-direct.ts";
import { LateStream } from "./stream/stream-late.ts";
import type { Client, ClientOptions } from "./types.ts";
import { createVideo } from "./video.ts";

/**
 * A client; it connects at the first subscription. Throws a TypeError where `url` is absent and
 * there is no page to take the server's URL from.
 */
export function createClient(options: ClientOptions = {}): Client {
  const environment = createEnvironment(options);
  const { clock, random, token, send } = environment;
  const persist = createPersist(clock, random);
  const persistRead = createPersist(clock, random, READ_PASSING_STATUSES);
  const likes = new Map<string, Likes>();
  const subscriptions = new Subscriptions((sink) => openStream(options, environment, sink));
  const { stream } = subscriptions;
  const stopWatching = watchPage({
    onOffline: () => stream.offline(),
    onWake: () => stream.wake(),
    onHide: flushLikes,
    onSleep: () => stream.sleep(),
  });
  const stopLoading = loadWhenConnected(subscriptions, environment);

  function flushLikes(): void {
    for (const video of likes.values()) video.flush();
  }

  function setToken(source: ClientOptions["token"]): void {
    token.set(source);
    stream.tokenChanged();
  }

  return {
    get state() {
      return subscriptions.state;
    },
    onState: (listener) => subscriptions.listen(listener),
    subscribe: (topic, handlers) => subscriptions.subscribe(topic, handlers),
    video(id) {
      const pending =
        likes.get(id) ?? new Likes(`/v1/videos/${encodeURIComponent(id)}/likes`, send, clock);
      likes.set(id, pending);
      return createVideo(id, send, pending, persist, persistRead);
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
      stopLoading();
      stopWatching();
      flushLikes();
      subscriptions.close();
    },
  };
}

function openStream(
  options: ClientOptions,
  environment: StreamEnvironment,
  sink: StreamSink,
): Stream {
  const direct = () => new DirectStream(environment, sink);
  if (!sharesTabs(options, environment.url)) return direct();
  // Where the file cannot be loaded, a connection of this page works as well.
  return new LateStream(
    import("./tabs/stream-tab.ts").then(
      ({ createTabStream }) => createTabStream(environment, sink),
      direct,
    ),
  );
}

/** Fetches the other transports a while after the first connection. Returns what cancels that. */
function loadWhenConnected(subscriptions: Subscriptions, { clock }: StreamEnvironment): () => void {
  // Programs have their files locally, and a timer would keep them running.
  if (typeof document === "undefined") return () => {};
  let cancel: (() => void) | undefined;
  const stop = subscriptions.listen(({ name }) => {
    if (name === "connected") cancel ??= clock.after(LOAD_AHEAD_MS, loadAhead);
  });
  return () => {
    stop();
    cancel?.();
  };
}
