/**
 * A stream of events for many topics, open while it has subscribers. It resumes from its position.
 *
 * Forms: `stream-direct.ts` (a connection of this page), `stream-late.ts` (another form whose code
 * is still loading), and those of `tabs/`: `stream-shared.ts` (a connection of all tabs) and
 * `stream-yielding.ts` (a connection that a hidden tab closes).
 */

import type { Clock, Topic, TopicPosition } from "@ovation/protocol";
import type { SendRequest } from "../requests/request.ts";
import type { TokenKeeper } from "../requests/token-keeper.ts";
import type { OpenTransport } from "../transport/transport.ts";
import type { ConnectionState } from "../types.ts";
import type { TopicSink } from "./topic-table.ts";

export interface StreamEnvironment {
  /** The server, without a slash at the end. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly retryMs: { readonly first: number; readonly longest: number };
  readonly token: TokenKeeper;
  readonly send: SendRequest;
  /** The transport that sees comment lines and the status of a refusal. */
  readonly openFetch: OpenTransport;
  /** The browser's own, used while it works; undefined where there is none. */
  readonly openEventSource: OpenTransport | undefined;
  /** For networks where streams do not work; undefined where the application carries the stream. */
  readonly openPoll: OpenTransport | undefined;
}

export interface StreamSink extends TopicSink {
  onState(state: ConnectionState): void;
}

export interface Stream {
  add(topic: Topic, from?: TopicPosition): void;
  remove(topic: Topic): void;
  /** The topic's position, for a second subscriber of it. */
  standing(
    topic: Topic,
  ): { readonly seq: number; readonly position: TopicPosition | undefined } | undefined;
  /** The token was replaced: reconnects with it, from the current positions. */
  tokenChanged(): void;
  /** The page went on- or offline, or became visible again. */
  wake(): void;
  offline(): void;
  /** The page freezes, and `wake` may never come: releases everything that a browser takes away. */
  sleep(): void;
  close(): void;
}
