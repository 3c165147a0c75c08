/**
 * A fake frontend: everything that dispatchers and stores see of one, and no sockets of viewers.
 * It is the real `Frontend` over the real upstream, link receiver, credential and internal
 * listener; its viewers are writers in memory. Many fit into a process.
 */

import {
  createFrontendCredential,
  createFrontendRoutes,
  createLinkReceiver,
  createRefusals,
  HttpUpstream,
  type InternalAuth,
  type InternalListener,
  type LinkReceiver,
  listenInternal,
} from "@ovation/dispatcher";
import {
  Frontend,
  OPEN_ADMISSION,
  OPEN_CHANGES,
  OPEN_REPLAY,
  OPEN_TOPICS,
  RETURN_SPREAD_MS,
  wireForm,
} from "@ovation/frontend";
import {
  DEFAULT_POLICY,
  type Event,
  HEARTBEAT_MS,
  steadyClock,
  systemClock,
  TOPICS_PER_CONNECTION_MAX,
  type Topic,
} from "@ovation/protocol";
import { FakeUpstream } from "./fake-upstream.ts";

export interface FakeFrontendOptions {
  readonly auth: InternalAuth;
  readonly dispatchers: readonly string[];
  /** What the links brought. */
  onEvents(events: readonly Event[]): void;
}

export class FakeFrontend {
  readonly upstream: FakeUpstream;
  readonly receiver: LinkReceiver;
  readonly #frontend: Frontend;
  readonly #listener: InternalListener;
  #isStopped = false;

  constructor({ auth, dispatchers, onEvents }: FakeFrontendOptions) {
    const credential = createFrontendCredential();
    const refusals = createRefusals();
    this.receiver = createLinkReceiver({
      auth,
      refusals,
      frontend: credential.id,
      inbox: {
        dispatch: (events) => {
          onEvents(events);
          this.#frontend.dispatch(events);
        },
      },
    });
    this.#listener = listenInternal({
      host: "127.0.0.1",
      port: 0,
      routes: createFrontendRoutes({
        auth,
        refusals,
        frontend: credential.id,
        changeConnection: (change) => this.#frontend.changeHere(change),
      }),
      link: this.receiver,
      onFailure: (what, error) => console.error(what, error),
    });
    const { url } = this.#listener;
    this.upstream = new FakeUpstream(
      new HttpUpstream({ dispatchers, learns: true, auth, credential, url, clock: steadyClock }),
    );
    this.#frontend = new Frontend({
      id: credential.id,
      upstream: this.upstream,
      policy: DEFAULT_POLICY,
      authorize: () => true,
      clock: systemClock,
      steady: steadyClock,
      random: Math.random,
      heartbeatMs: HEARTBEAT_MS,
      arrived: () => this.receiver.arrived(),
      admission: OPEN_ADMISSION,
      changes: OPEN_CHANGES,
      replay: OPEN_REPLAY,
      topics: OPEN_TOPICS,
      // The calls are counted where they are made: `call-watch.ts`.
      onFailure: () => undefined,
    });
    this.#frontend.start();
  }

  /** Resolves when every topic has its row; viewers that are told to return do so until then. */
  async subscribe(topics: readonly Topic[]): Promise<void> {
    const viewers: Promise<void>[] = [];
    for (let from = 0; from < topics.length; from += TOPICS_PER_CONNECTION_MAX)
      viewers.push(this.#hold(topics.slice(from, from + TOPICS_PER_CONNECTION_MAX)));
    await Promise.all(viewers);
  }

  /** A viewer of these topics until the end: it comes again where its connection is closed. */
  async #hold(topics: readonly Topic[]): Promise<void> {
    while (!this.#isStopped) {
      const ended = Promise.withResolvers<"ended">();
      const opened = this.#open(topics, () => ended.resolve("ended"));
      if ((await Promise.race([ended.promise, opened])) === "open") {
        void ended.promise.then(() => this.#hold(topics));
        return;
      }
      await Bun.sleep(Math.random() * RETURN_SPREAD_MS);
    }
  }

  async #open(topics: readonly Topic[], onEnd: () => void): Promise<"open" | "ended"> {
    const request = {
      topics,
      identity: undefined,
      position: undefined,
      form: wireForm({ zstd: false, unnamed: false, chunked: false }),
      address: "127.0.0.1",
    };
    const connection = this.#frontend.admit(request);
    if (typeof connection === "string") return "ended";
    const writer = { write: (bytes: Uint8Array) => bytes.length, end: onEnd, cut: onEnd };
    await this.#frontend.open(connection, writer, request);
    return connection.closed ? "ended" : "open";
  }

  /** Rows in the table, the frontend's own included. */
  get rows(): number {
    return this.#frontend.hub.channels.size + 1;
  }

  /** The newest durable event of the topic that is here. */
  seq(topic: Topic): number {
    return this.#frontend.hub.channel(topic)?.seq ?? 0;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#frontend.stop();
    this.upstream.close();
    await this.#listener.stop();
  }
}
