/** One viewer's stream in this process, for benchmarks that time single events. */
import type { Message } from "@ovation/protocol";
import { openEventStream } from "../../testing/event-stream.ts";

export interface BenchStream {
  /** By the peer, or with it. */
  readonly ended: boolean;
  close(): void;
}

/** Resolves at the first event; `onMessage` gets those after it. */
export async function openStream(
  url: string,
  topics: readonly string[],
  onMessage: (message: Message) => void,
): Promise<BenchStream> {
  const abort = new AbortController();
  const query = new URLSearchParams(topics.map((topic) => ["topic", topic]));
  const { promise, resolve } = Promise.withResolvers<void>();
  const stream = await openEventStream(`${url}/v1/events?${query}`, {
    signal: abort.signal,
    onMessage(message) {
      if (message.type === "connection") resolve();
      else onMessage(message);
    },
  });
  let ended = false;
  let closed = false;
  // Closed from here, or by the server: there is nothing more to time.
  const end = (): void => {
    ended = !closed;
  };
  void stream.done.then(end, end);
  await promise;
  return {
    get ended() {
      return ended;
    },
    close() {
      closed = true;
      abort.abort();
    },
  };
}

/**
 * A viewer whose events are discarded: its bytes are read and dropped. Resolves at the first event.
 */
export async function holdStream(
  url: string,
  topics: readonly string[],
): Promise<Pick<BenchStream, "close">> {
  const { hostname, port } = new URL(url);
  const query = new URLSearchParams(topics.map((topic) => ["topic", topic]));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let text = "";
  let isOpen = false;
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open: (opened) =>
        void opened.write(`GET /v1/events?${query} HTTP/1.1\r\nHost: bench\r\n\r\n`),
      data(_, chunk) {
        if (isOpen) return;
        text += chunk.toString("latin1");
        isOpen = text.includes("event: connection");
        if (isOpen) resolve();
        else if (!text.startsWith("HTTP/1.1 200".slice(0, text.length)))
          reject(new Error(`the stream was answered ${text.slice(0, 40)}`));
      },
      close: () => reject(new Error("the stream has ended before its first event")),
    },
  });
  await promise;
  return { close: () => socket.terminate() };
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
