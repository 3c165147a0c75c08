/** One viewer's stream in this process, for benchmarks that time single events. */
import { createFrameReader, type Message } from "@ovation/protocol";

export interface BenchStream {
  /** By the other side, or with it. */
  readonly ended: boolean;
  close(): void;
}

/** Resolves when the first event is there; `onMessage` gets those after it. */
export async function openStream(url: string, topics: readonly string[], onMessage: (message: Message) => void): Promise<BenchStream> {
  const abort = new AbortController();
  const query = new URLSearchParams(topics.map((topic) => ["topic", topic]));
  const response = await fetch(`${url}/v1/events?${query}`, { signal: abort.signal });
  if (!response.ok || response.body === null) throw new Error(`the stream was answered ${response.status}`);
  const { promise, resolve } = Promise.withResolvers<void>();
  const reader = createFrameReader({
    onMessage(message) {
      if (message.type === "connection") resolve();
      else onMessage(message);
    },
  });
  let ended = false;
  let closed = false;
  void read(response.body, (text) => reader.feed(text)).then(() => {
    ended = !closed;
  });
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

async function read(body: ReadableStream<Uint8Array>, feed: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) feed(decoder.decode(chunk, { stream: true }));
  } catch {
    // Closed from here, or with the server: either way there is nothing more to time.
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
