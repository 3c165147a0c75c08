/** The adapter of one kind of server: the same work with the same measurement for each. */

/** An event to publish: `payload` is the event's content, a text with its mark. */
export interface OutgoingEvent {
  readonly topic: string;
  /**
   * The mark, and filler up to the wanted size. Nothing in it needs escaping in JSON or in a form.
   */
  readonly mark: string;
  readonly filler: string;
}

export interface PublishRequest {
  /** Path and query of the publish URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface TargetSettings {
  /** The credential for publishing: a bearer token, an API key. */
  readonly token?: string | undefined;
  /** Request streams of zstd frames, where the server must be asked. */
  readonly zstd?: boolean;
  /** Request the durable lane, where the server has one. */
  readonly durable: boolean;
  /** Path templates of the `sse` target; `{topic}` stands for the topic. */
  readonly connectPath?: string | undefined;
  readonly publishPath?: string | undefined;
}

export interface Target {
  readonly name: string;
  /** Path and query of a connection's request. */
  connectPath(topics: readonly string[], settings: TargetSettings): string;
  /** What shows that a connection is subscribed: the response's head, or its first event. */
  readonly ready: "head" | "first-event";
  /** How many events one request can carry. */
  readonly eventsPerRequestMax: number;
  publish(events: readonly OutgoingEvent[], settings: TargetSettings): PublishRequest;
}

/** One payload as plain text: for servers that do not parse it. */
export function plainPayload(event: OutgoingEvent): string {
  return event.filler === "" ? event.mark : `${event.mark} ${event.filler}`;
}

/** The one event of a request that carries one. */
export function single(events: readonly OutgoingEvent[]): OutgoingEvent {
  const event = events[0];
  if (event === undefined || events.length !== 1)
    throw new Error("this server takes one event per request");
  return event;
}
