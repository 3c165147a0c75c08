/**
 * One viewer's connection: a real SSE stream, read and (but for the host's) thrown away, so that it
 * costs little.
 */

import { type Clock, createFrameReader, type Message } from "@ovation/protocol";
import { RECONNECT_MS_MAX } from "./limits.ts";

export interface ViewerOptions {
  readonly url: string;
  readonly videoId: string;
  readonly token: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Every event of the stream. Without it nothing is decoded. */
  onMessage?(message: Message): void;
}

export interface Viewer {
  leave(): void;
}

/** Comes in, and comes back whenever the connection ends, until they leave. */
export function enter(options: ViewerOptions): Viewer {
  const left = new AbortController();
  let cancelReturn: (() => void) | undefined;

  const comeBack = () => {
    if (left.signal.aborted) return;
    cancelReturn = options.clock.after(options.random() * RECONNECT_MS_MAX, connect);
  };
  const connect = () => {
    // A connection ends for many reasons, all of them end in another try: the server may be
    // restarting.
    watch(options, left.signal).then(comeBack, comeBack);
  };
  connect();
  return {
    leave() {
      cancelReturn?.();
      left.abort();
    },
  };
}

async function watch(
  { url, videoId, token, onMessage }: ViewerOptions,
  signal: AbortSignal,
): Promise<void> {
  const address = new URL(`${url}/v1/events`);
  address.searchParams.set("topic", `video:${videoId}`);
  // Plain: on the loopback decompressing costs more than it saves.
  const headers = {
    authorization: `Bearer ${token}`,
    accept: "text/event-stream",
    "accept-encoding": "identity",
  };
  const response = await fetch(address, { headers, signal });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    return;
  }
  if (onMessage === undefined) {
    for await (const _ of response.body);
    return;
  }
  const decoder = new TextDecoder();
  const reader = createFrameReader({ onMessage });
  for await (const chunk of response.body) reader.feed(decoder.decode(chunk, { stream: true }));
}
