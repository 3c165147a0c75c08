/** One SSE connection, read as text: enough to see what a token is sent and what not. */

import { createFrameReader, type Message } from "@ovation/protocol";

export interface EventReader {
  readonly messages: readonly Message[];
  /** The first event: connection id and heads. */
  readonly connection: {
    readonly connectionId: string;
    readonly topics: Readonly<Record<string, { head: number; recovered: boolean }>>;
  };
  close(): void;
}

/** Connects and waits for the first event. Rejects with the status where the answer is another one. */
export async function readEvents(url: string, token?: string): Promise<EventReader> {
  const aborting = new AbortController();
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers, signal: aborting.signal });
  if (!response.ok || response.body === null)
    throw new Error(`${response.status} ${await response.text()}`);
  const messages: Message[] = [];
  const first = Promise.withResolvers<Message>();
  const reader = createFrameReader({
    onMessage(message) {
      messages.push(message);
      first.resolve(message);
    },
  });
  const body = response.body;
  void (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body) reader.feed(decoder.decode(chunk, { stream: true }));
    } catch (error) {
      // Aborted by close(): nobody waits any more.
      first.reject(error);
    }
  })();
  const connection = JSON.parse((await first.promise).data) as EventReader["connection"];
  return { messages, connection, close: () => aborting.abort() };
}
