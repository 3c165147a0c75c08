/** One SSE connection whose events are kept: enough to see what a token is sent and what not. */

import type { Message } from "@ovation/protocol";
import { openEventStream } from "./event-stream.ts";

export interface EventReader {
  readonly messages: readonly Message[];
  /** The first event: connection id and heads. */
  readonly connection: {
    readonly connectionId: string;
    readonly topics: Readonly<Record<string, { head: number; recovered: boolean }>>;
  };
  close(): void;
}

/** Connects and waits for the first event. Rejects with the status where the answer is not 200. */
export async function readEvents(url: string, token?: string): Promise<EventReader> {
  const aborting = new AbortController();
  const messages: Message[] = [];
  const first = Promise.withResolvers<Message>();
  const stream = await openEventStream(url, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: aborting.signal,
    onMessage(message) {
      messages.push(message);
      first.resolve(message);
    },
  });
  stream.done.catch(first.reject);
  const connection = JSON.parse((await first.promise).data) as EventReader["connection"];
  return { messages, connection, close: () => aborting.abort() };
}
