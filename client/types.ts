/** The public shapes of the SDK. `mod.ts` exports them; `client.ts` is behind {@link Client}. */

import type {
  ClientEvent,
  CommentData,
  CommentRemovedData,
  GapData,
  LikesData,
  ResetInfo,
  StatsData,
} from "./event-types.ts";
import type {
  MessageData,
  NotificationData,
  PresenceData,
  ReceiptData,
  TypingData,
} from "./members/member-types.ts";
import type { OpenTransport } from "./transport/transport.ts";

/**
 * ```
 * idle ──subscribe──▶ connecting ──first event──▶ connected
 *                        ▲   │                        │
 *                  timer │   └──────failed──────┐     │ lost
 *                        │                      ▼     ▼
 *                        └──────────────────── waiting
 * any ──close()──▶ closed        any ──refused for good──▶ failed
 * ```
 */
export type ConnectionState =
  | { readonly name: "idle"; readonly reason: "no-subscriptions" }
  | {
      readonly name: "connecting";
      readonly reason: "first" | "retry" | "token-refreshed" | "topics-changed" | "missed-events";
    }
  | { readonly name: "connected"; readonly reason: "opened"; readonly connectionId: string }
  | {
      readonly name: "waiting";
      readonly reason:
        | "network"
        | "heartbeat-missed"
        | "server-asked"
        | "token-expired"
        | "offline";
      /** When the next attempt starts: ms from now at the moment of the change. */
      readonly retryInMs: number;
      readonly attempt: number;
    }
  | {
      readonly name: "failed";
      readonly reason: "token-invalid" | "forbidden" | "stopped";
      readonly detail: string;
    }
  | { readonly name: "closed"; readonly reason: "closed-by-application" };

/**
 * Callbacks by event type, and four that are not types: `onEvent`, `onSubscribed`, `onGap`,
 * `onReset`.
 */
export interface TopicHandlers {
  comment?(event: ClientEvent<CommentData>): void;
  "comment-removed"?(event: ClientEvent<CommentRemovedData>): void;
  likes?(event: ClientEvent<LikesData>): void;
  stats?(event: ClientEvent<StatsData>): void;
  /** `data`: `{"seq":1058}`, or `{"seq":null}` where the pin was taken off. */
  pin?(event: ClientEvent): void;
  /** The last event of a video: its host deleted it, and every request about it gets a 410. */
  "video-deleted"?(event: ClientEvent): void;
  typing?(event: ClientEvent<TypingData>): void;
  /** This one and the next three: on members' own topics. */
  message?(event: ClientEvent<MessageData>): void;
  receipt?(event: ClientEvent<ReceiptData>): void;
  presence?(event: ClientEvent<PresenceData>): void;
  notification?(event: ClientEvent<NotificationData>): void;
  /** `data`: `{"seq":31}`, the number of a notification whose text was removed. */
  "notification-removed"?(event: ClientEvent): void;
  /** Every event of the topic, also of types without a callback of their own. */
  onEvent?(event: ClientEvent): void;
  /**
   * The subscription is active: every later event arrives. `head` is the newest durable number
   * then.
   */
  onSubscribed?(info: { readonly head: number }): void;
  /** Live events were dropped. Durable ones never are. */
  onGap?(gap: GapData): void;
  /** Missed events are past the server's retention, or the server's log was replaced. */
  onReset?(info: ResetInfo): void;
  /** The server refused this topic. */
  onRefused?(code: string): void;
}
export type CustomHandlers = Readonly<Record<string, (event: ClientEvent) => void>>;

export interface Subscription {
  readonly topic: string;
  unsubscribe(): void;
}

/** Anything that works like the browser's EventSource: the `eventsource` package does. */
export interface EventSourceLike {
  onopen: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  readonly readyState: number;
  addEventListener(
    type: string,
    listener: (event: { readonly data: string; readonly lastEventId: string }) => void,
  ): void;
  close(): void;
}

export interface ClientOptions {
  /**
   * The server, for example `https://live.example.org` or `https://example.org/live`. Default: the
   * page's origin.
   */
  readonly url?: string;
  /**
   * A token, or a function that fetches a fresh one: called first and whenever the old one has
   * expired.
   */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>);
  /**
   * A class to use instead of the global EventSource. `"fetch"`: read the stream with `fetch` (the
   * default where there is no EventSource).
   */
  readonly eventSource?: (new (url: string) => EventSourceLike) | "fetch";
  readonly fetch?: typeof fetch;
  /**
   * First and longest backoff between attempts; each is drawn between 0 and the bound (full
   * jitter). Default 500 and 20,000.
   */
  readonly retryMs?: { readonly first: number; readonly longest: number };
  /** Share one connection among the tabs of this origin, where the browser can. Default true. */
  readonly shareTabs?: boolean;
  /** Clock and randomness, for tests and the simulation. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Calls `run` once after `ms`; the returned function cancels it. Default: a timer. */
  readonly after?: (ms: number, run: () => void) => () => void;
  /** Carries the stream in place of EventSource and fetch: for tests and the simulation. */
  readonly transport?: OpenTransport;
}

export interface Comment extends CommentData {
  readonly seq: number;
  readonly at: number;
}
export interface VideoInfo {
  readonly id: string;
  readonly title: string;
  readonly description?: string;
  readonly live: boolean;
  /** Present where comments are closed. */
  readonly closed?: boolean;
  readonly viewers: number;
  readonly likes: Readonly<Record<string, number>>;
  readonly comments: number;
  readonly head: number;
  readonly media?: readonly { readonly src: string; readonly type: string }[];
  readonly poster?: string;
  readonly pinned?: Comment | null;
}

/** Comments, ascending by `seq`. */
export interface CommentsPage {
  readonly comments: readonly Comment[];
  /** The newest number of the topic. */
  readonly head: number;
  /** Where the read stopped early: the next `before`, or `after`. The SDK follows it by itself. */
  readonly next?: number;
}

/** A viewer's actions on one video over HTTP. Every method rejects with an {@link ApiError}. */
export interface VideoApi {
  readonly id: string;
  readonly topic: string;
  info(): Promise<VideoInfo>;
  /**
   * `clientId` makes a retry harmless; generated where absent. Resolves after the comment is
   * stored.
   */
  comment(
    text: string,
    options?: { readonly clientId?: string; readonly replyTo?: number },
  ): Promise<Comment>;
  history(options?: {
    readonly after?: number;
    readonly before?: number;
    readonly limit?: number;
  }): Promise<CommentsPage>;
  remove(seq: number, reason?: string): Promise<void>;
  /** Counts a tap. Taps are merged: at most one request per second and video. */
  like(kind?: string, count?: number): void;
}

export interface RequestOptions {
  readonly body?: unknown;
  /** The request should outlive the page. */
  readonly keepalive?: boolean;
}

export interface Client {
  readonly state: ConnectionState;
  /**
   * Called at once with the current state, and at every change. Returns a function that ends it.
   */
  onState(listener: (state: ConnectionState) => void): () => void;
  subscribe(
    topic: string,
    handlers: TopicHandlers | (TopicHandlers & Partial<CustomHandlers>),
  ): Subscription;
  video(id: string): VideoApi;
  /**
   * Any request of `docs/http-api.md`, with the client's token; `path` from `/v1` on. Rejects with
   * an {@link ApiError}.
   */
  request(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    options?: RequestOptions & { readonly persist?: boolean },
  ): Promise<unknown>;
  /** Becomes a guest with this name; the token is used from now on. */
  guest(name: string): Promise<{
    readonly token: string;
    readonly member: { readonly id: string; readonly name: string };
  }>;
  /**
   * Replaces the token (sign-in, sign-out with `undefined`); the stream reconnects from its
   * position.
   */
  setToken(token: ClientOptions["token"]): void;
  close(): void;
}
