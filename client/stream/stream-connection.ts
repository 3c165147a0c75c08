/** One connection of a stream: the transport that fits, from the request to the end. */

import type { Message, Topic } from "@ovation/protocol";
import type {
  Transport,
  TransportCallbacks,
  TransportEnd,
  TransportRequest,
} from "../transport/transport.ts";
import { tried } from "../tried.ts";
import type { StreamEnvironment } from "./stream.ts";

/** Called while the connection is open; `onEnd` is the last call. */
export interface ConnectionSink {
  /** Something arrived, also a comment line. */
  onAlive(): void;
  onMessage(message: Message): void;
  onEnd(end: TransportEnd): void;
}

export class StreamConnection {
  /** The topics of its URL. */
  topics: readonly Topic[] = [];
  /** The server accepted the request. */
  answered = false;
  /** It polls, because streams did not work. */
  polls = false;
  /** An event arrived. */
  heard = false;
  /** The server's `retry:`, ms. */
  retryMs: number | undefined;
  #transport: Transport | undefined;
  #closed = false;

  get isOpen(): boolean {
    return this.#transport !== undefined;
  }

  get seesHeartbeats(): boolean | undefined {
    return this.#transport?.seesHeartbeats;
  }

  open(
    request: TransportRequest,
    { openPoll, openFetch, openEventSource }: StreamEnvironment,
    polls: boolean,
    sink: ConnectionSink,
  ): void {
    const callbacks: TransportCallbacks = {
      onMessage: (message) => {
        if (this.#closed) return;
        this.heard = true;
        sink.onMessage(message);
      },
      onAlive: () => {
        this.answered = true;
        sink.onAlive();
      },
      onRetry: (ms) => {
        this.retryMs = ms;
      },
      onEnd: (end) => {
        if (this.#closed) return;
        // EventSource hides the error. Fetch asks again, and stays if it is accepted.
        if (end.kind === "unexplained") this.#transport = openFetch(request, callbacks);
        else sink.onEnd(end);
      },
    };
    this.polls = polls && openPoll !== undefined;
    if (polls && openPoll !== undefined) this.#transport = openPoll(request, callbacks);
    // A browser may have EventSource and refuse it.
    else
      this.#transport =
        tried(() => openEventSource?.(request, callbacks)) ?? openFetch(request, callbacks);
  }

  close(): void {
    this.#closed = true;
    this.#transport?.close();
  }
}
