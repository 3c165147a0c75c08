/** One SSE connection by `fetch`: what benchmarks, fault runs and tests read events with. */

import { createFrameReader, type Message } from "@ovation/protocol";

export interface EventStreamOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Aborts the request and the stream. */
  readonly signal?: AbortSignal;
  onMessage(message: Message): void;
  /** ms of a `retry:` line. */
  onRetry?(ms: number): void;
  /** Something was received: an event, a comment or a part of one. */
  onBytes?(): void;
}

export interface EventStream {
  /** Resolves when the stream has ended; rejects where the connection broke or was aborted. */
  readonly done: Promise<void>;
}

/** Resolves when the server has answered 200. Rejects with status and text of another answer. */
export async function openEventStream(
  url: string,
  { headers = {}, signal, onMessage, onRetry, onBytes }: EventStreamOptions,
): Promise<EventStream> {
  const response = await fetch(url, { headers, ...(signal !== undefined && { signal }) });
  if (!response.ok || response.body === null)
    throw new Error(`${response.status} ${await response.text()}`);
  const reader = createFrameReader({ onMessage, ...(onRetry !== undefined && { onRetry }) });
  const done = read(response.body as unknown as AsyncIterable<Uint8Array>, (text) => {
    onBytes?.();
    reader.feed(text);
  });
  // Only callers that await it hear of a broken connection.
  done.catch(() => undefined);
  return { done };
}

async function read(
  body: AsyncIterable<Uint8Array>,
  onText: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of body) onText(decoder.decode(chunk, { stream: true }));
}
