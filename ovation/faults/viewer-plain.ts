/**
 * A viewer with a browser's own EventSource, as the specification has it: several topics, one
 * last id, which it brings back in a header and nowhere else.
 *
 * [spec] https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface
 */

import {
  type ConnectionId,
  frontendOf,
  type Json,
  type Message,
  positionIn,
} from "@ovation/protocol";
import { openEventStream } from "../../testing/event-stream.ts";
import type { FaultViewer, ViewerOptions } from "./viewer.ts";

/** The first wait, until the server names another with `retry:`. */
const RETRY_MS = 500;
/** A server's wish is followed up to here, so that a run ends. */
const RETRY_MS_MAX = 5000;
/**
 * Longer than two heartbeats: a connection without a sign of life is over. (A browser would wait
 * for TCP.)
 */
const SILENCE_MS_MAX = 35_000;

interface Envelope {
  readonly topic: string;
  readonly seq?: number;
  readonly data: Json;
}

interface FirstEvent {
  readonly connectionId: ConnectionId;
  readonly topics: Readonly<Record<string, { readonly head: number; readonly recovered: boolean }>>;
}

export function startPlainViewer({
  recorder,
  topics,
  url,
  token,
  random,
}: ViewerOptions): FaultViewer {
  const address = `${url}/v1/events?${new URLSearchParams(topics.map((topic) => ["topic", topic]))}`;
  let lastEventId = "";
  /** Of the topics, those that the id speaks of which this connection brought. */
  let named: readonly string[] = [];
  let retryMs = RETRY_MS;
  let left = false;
  let abort = new AbortController();
  let silence: ReturnType<typeof setTimeout> | undefined;
  const known = new Set<string>();

  function isAlive(): void {
    clearTimeout(silence);
    silence = setTimeout(() => abort.abort(), SILENCE_MS_MAX);
  }

  function take({ type, data, lastEventId: id }: Message): void {
    if (type === "reconnect") return;
    lastEventId = id;
    if (type === "connection") {
      begin(JSON.parse(data) as FirstEvent);
      return;
    }
    const envelope = JSON.parse(data) as Envelope;
    if (type === "gap")
      recorder.gap(envelope.topic, (envelope.data as { readonly lost: number }).lost);
    else recorder.event(envelope.topic, type, envelope.seq, envelope.data);
  }

  function onRetry(ms: number): void {
    retryMs = Math.min(ms, RETRY_MS_MAX);
  }

  function begin(first: FirstEvent): void {
    for (const [topic, { head, recovered }] of Object.entries(first.topics)) {
      if (!known.has(topic)) recorder.subscribed(topic, head);
      else if (!recovered) recorder.reset(topic, head);
      known.add(topic);
    }
    recorder.connected(true, { frontend: frontendOf(first.connectionId), named });
  }

  async function connect(): Promise<void> {
    abort = new AbortController();
    isAlive();
    const headers: Record<string, string> = {
      accept: "text/event-stream",
      "cache-control": "no-store",
    };
    if (lastEventId !== "") headers["last-event-id"] = lastEventId;
    named = topics.filter((topic) => positionIn(lastEventId, topic) !== undefined);
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    const stream = await openEventStream(address, {
      headers,
      signal: abort.signal,
      onMessage(message) {
        if (!left) take(message);
      },
      onRetry,
      onBytes: isAlive,
    });
    await stream.done;
  }

  async function run(): Promise<void> {
    while (!left) {
      try {
        await connect();
      } catch {
        // Whatever ended it: an EventSource comes back.
      }
      recorder.connected(false);
      await Bun.sleep(retryMs * (0.5 + random()));
    }
    clearTimeout(silence);
  }

  function close(): void {
    left = true;
    abort.abort();
  }

  void run();
  return {
    recorder,
    close,
    leave() {
      recorder.leave();
      close();
    },
  };
}
