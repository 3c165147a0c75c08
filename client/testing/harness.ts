/** A client over the model server without a socket: a manual clock, and a network that a test decides on. */

import type { Message } from "@ovation/protocol";
import { createClient } from "../client.ts";
import type { TransportCallbacks } from "../transport.ts";
import type { Client, ClientOptions, ConnectionState } from "../types.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";
import { ModelServer } from "./model-server.ts";

export interface Harness {
  readonly model: ModelServer;
  readonly clock: ManualClock;
  readonly client: Client;
  readonly states: ConnectionState[];
  /** Addresses that were connected to. */
  readonly connects: URL[];
  /** PUT and DELETE as `METHOD topic,topic`. */
  readonly changes: string[];
  /** What happens to a message on its way; default: it arrives at once. */
  carry: (message: Message, arrive: (message: Message) => void) => void;
  /** What happens to a connect; answers false where it does not reach the server. */
  reaches: () => boolean;
  /** A heartbeat of the server on each connection that it has. */
  beat(): void;
  /** Ends every open connection. */
  cut(): void;
  callbacks: TransportCallbacks | undefined;
}

export function createHarness(options: ClientOptions = {}, seesEverything = true): Harness {
  const clock = createManualClock();
  const model = new ModelServer();
  const open = new Map<string, TransportCallbacks>();
  const answer = (status: number, body: unknown): Response =>
    ({
      ok: status < 300,
      status,
      headers: new Headers({ "content-type": "application/json" }),
      json: async () => body,
      text: async () => JSON.stringify(body),
    }) as Response;

  const client = createClient({
    url: "http://model",
    random: () => 0.5,
    now: clock.now,
    after: clock.after,
    transport({ url }, callbacks) {
      const address = new URL(url);
      harness.connects.push(address);
      let closed = false;
      let id: string | undefined;
      queueMicrotask(() => {
        if (closed) return;
        if (!harness.reaches()) {
          callbacks.onEnd({ kind: "lost", detail: "refused" });
          return;
        }
        harness.callbacks = callbacks;
        const messages: Message[] = [];
        const send = (message: Message) => {
          const arrive = (arrived: Message) => {
            if (closed) return;
            callbacks.onAlive();
            callbacks.onMessage(arrived);
          };
          if (message.type === "connection") arrive(message);
          else harness.carry(message, arrive);
        };
        const connection = model.connect(
          address,
          address.searchParams.get("last_event_id"),
          (message) => messages.push(message),
          () => {},
        );
        id = connection.id;
        connection.send = send;
        open.set(connection.id, callbacks);
        for (const message of messages) send(message);
      });
      return {
        seesEverything,
        listen() {},
        close() {
          closed = true;
          if (id !== undefined) {
            open.delete(id);
            model.connections.delete(id);
          }
        },
      };
    },
    fetch: (async (url: string, { method, body }: { method: string; body: string }) => {
      const connection = /connections\/([^/]+)\//.exec(url)?.[1] ?? "";
      const { topics } = JSON.parse(body) as { topics: string[] };
      harness.changes.push(`${method} ${topics.join(",")}`);
      const results = model.change(decodeURIComponent(connection), method, topics);
      return results === undefined ? answer(412, { code: "unknown-connection" }) : answer(200, results);
    }) as unknown as typeof fetch,
    ...options,
  });

  const harness: Harness = {
    model,
    clock,
    client,
    states: [],
    connects: [],
    changes: [],
    carry: (message, arrive) => arrive(message),
    reaches: () => true,
    beat() {
      for (const [id, callbacks] of open) if (model.connections.has(id)) callbacks.onAlive();
    },
    cut() {
      for (const [id, callbacks] of [...open]) {
        open.delete(id);
        model.connections.delete(id);
        callbacks.onEnd({ kind: "lost", detail: "cut" });
      }
    },
    callbacks: undefined,
  };
  client.onState((state) => harness.states.push(state));
  return harness;
}

export function stateNames(harness: Harness): string[] {
  return harness.states.map(({ name, reason }) => `${name}/${reason}`);
}
