/**
 * A network between clients and the model server, without sockets: a test decides what happens to
 * messages.
 */

import type { Message } from "@ovation/protocol";
import type { OpenTransport, TransportCallbacks } from "../transport/transport.ts";
import type { ModelServer } from "./model-server.ts";

export interface ModelNetwork {
  readonly open: OpenTransport;
  /** Answers PUT and DELETE of subscriptions. */
  readonly fetch: typeof fetch;
  /** URLs that were connected to. */
  readonly connects: URL[];
  /** PUT and DELETE as `METHOD topic,topic`. */
  readonly changes: string[];
  /** The fate of a broadcast message; default: it arrives at once. */
  carry: (message: Message, arrive: (message: Message) => void) => void;
  /**
   * Whether a missed event is replayed to a returning client. A stream may be cut there, but loses
   * nothing by itself.
   */
  replays: () => boolean;
  /** Whether a connect reaches the server. */
  reaches: () => boolean;
  /** A heartbeat of the server on each of its connections. */
  beat(): void;
  /** Ends every open connection. */
  cut(): void;
  /** The same without notice to the client: half-open. */
  vanish(): void;
  /** Of the connection opened last. */
  callbacks: TransportCallbacks | undefined;
}

export function createModelNetwork(model: ModelServer, seesHeartbeats = true): ModelNetwork {
  const connections = new Map<string, TransportCallbacks>();

  const open: OpenTransport = ({ url }, callbacks) => {
    const address = new URL(url);
    network.connects.push(address);
    let closed = false;
    let id: string | undefined;

    function arrive(message: Message): void {
      if (closed) return;
      callbacks.onAlive();
      callbacks.onMessage(message);
    }

    queueMicrotask(() => {
      if (closed) return;
      if (!network.reaches()) {
        callbacks.onEnd({ kind: "lost", detail: "refused" });
        return;
      }
      network.callbacks = callbacks;
      const first: Message[] = [];
      const connection = model.connect(
        address,
        address.searchParams.get("last_event_id"),
        (message) => first.push(message),
        () => {},
      );
      id = connection.id;
      connections.set(id, callbacks);
      connection.send = (message) =>
        message.type === "connection" ? arrive(message) : network.carry(message, arrive);
      for (const message of first) {
        if (message.type === "connection" || network.replays()) arrive(message);
      }
    });

    return {
      seesHeartbeats,

      close() {
        closed = true;
        if (id === undefined) return;
        connections.delete(id);
        model.connections.delete(id);
      },
    };
  };

  async function answer(
    url: string,
    { method, body }: { method: string; body: string },
  ): Promise<Response> {
    const connection = /connections\/([^/]+)\//.exec(url)?.[1] ?? "";
    const { topics } = JSON.parse(body) as { topics: string[] };
    network.changes.push(`${method} ${topics.join(",")}`);
    const results = model.change(decodeURIComponent(connection), method, topics);
    const [status, content] =
      results === undefined ? [412, { code: "unknown-connection" }] : [200, results];
    // Settles by promises alone, which the manual clock waits for; a real Response may not.
    return {
      ok: status === 200,
      status,
      headers: new Headers({ "content-type": "application/json" }),
      json: async () => content,
      text: async () => JSON.stringify(content),
    } as Response;
  }

  const network: ModelNetwork = {
    open,
    fetch: answer as unknown as typeof fetch,
    connects: [],
    changes: [],
    carry: (message, arrive) => arrive(message),
    replays: () => true,
    reaches: () => true,
    beat() {
      for (const [id, callbacks] of connections) if (model.connections.has(id)) callbacks.onAlive();
    },
    cut() {
      for (const [id, callbacks] of [...connections]) {
        connections.delete(id);
        model.connections.delete(id);
        callbacks.onEnd({ kind: "lost", detail: "cut" });
      }
    },
    vanish() {
      for (const id of connections.keys()) model.connections.delete(id);
      connections.clear();
    },
    callbacks: undefined,
  };
  return network;
}
