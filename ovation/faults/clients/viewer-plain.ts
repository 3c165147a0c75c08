/**
 * A viewer with a browser's own EventSource, as the specification has it: several topics and one
 * last event id, which it sends back in a header and nowhere else.
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
import { openEventStream } from "../../../testing/event-stream.ts";
import type { ViewerRecorder } from "../history/viewer-recorder.ts";
import type { FaultViewer, ViewerOptions } from "./viewer.ts";

/** The first backoff, until the server sends another in `retry:`. */
const RETRY_MS = 500;
/** Bounds the server's `retry:`, so that a run ends. */
const RETRY_MS_MAX = 5000;
/**
 * Longer than two heartbeats: a connection that is silent for so long is given up. (A browser would
 * wait for TCP.)
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

export class PlainViewer implements FaultViewer {
  readonly recorder: ViewerRecorder;
  readonly #options: ViewerOptions;
  readonly #url: string;
  readonly #known = new Set<string>();
  #lastEventId = "";
  /** The topics that the event id of this connection's request names. */
  #named: readonly string[] = [];
  #retryMs = RETRY_MS;
  #isClosed = false;
  #abort = new AbortController();
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ViewerOptions) {
    this.recorder = options.recorder;
    this.#options = options;
    const query = new URLSearchParams(options.topics.map((topic) => ["topic", topic]));
    this.#url = `${options.url}/v1/events?${query}`;
    void this.#run();
  }

  leave(): void {
    this.recorder.leave();
    this.close();
  }

  close(): void {
    this.#isClosed = true;
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#connect();
      } catch {
        // An EventSource reconnects after any failure.
      }
      this.recorder.connected(false);
      await Bun.sleep(this.#retryMs * (0.5 + this.#options.random()));
    }
    clearTimeout(this.#silence);
  }

  async #connect(): Promise<void> {
    const { topics, token } = this.#options;
    this.#abort = new AbortController();
    this.#restartSilence();
    const headers: Record<string, string> = {
      accept: "text/event-stream",
      "cache-control": "no-store",
    };
    if (this.#lastEventId !== "") headers["last-event-id"] = this.#lastEventId;
    this.#named = topics.filter((topic) => positionIn(this.#lastEventId, topic) !== undefined);
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    const stream = await openEventStream(this.#url, {
      headers,
      signal: this.#abort.signal,
      onMessage: (message) => {
        if (!this.#isClosed) this.#take(message);
      },
      onRetry: (ms) => {
        this.#retryMs = Math.min(ms, RETRY_MS_MAX);
      },
      onBytes: () => this.#restartSilence(),
    });
    await stream.done;
  }

  #restartSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#abort.abort(), SILENCE_MS_MAX);
  }

  #take({ type, data, lastEventId }: Message): void {
    if (type === "reconnect") return;
    this.#lastEventId = lastEventId;
    if (type === "connection") {
      this.#begin(JSON.parse(data) as FirstEvent);
      return;
    }
    const envelope = JSON.parse(data) as Envelope;
    if (type === "gap")
      this.recorder.gap(envelope.topic, (envelope.data as { readonly lost: number }).lost);
    else this.recorder.event(envelope.topic, type, envelope.seq, envelope.data);
  }

  #begin(first: FirstEvent): void {
    for (const [topic, { head, recovered }] of Object.entries(first.topics)) {
      if (!this.#known.has(topic)) this.recorder.subscribed(topic, head);
      else if (!recovered) this.recorder.reset(topic, head);
      this.#known.add(topic);
    }
    const frontend = frontendOf(first.connectionId);
    this.recorder.connected(true, { frontend, named: this.#named });
  }
}
