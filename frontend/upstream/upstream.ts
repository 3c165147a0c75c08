/**
 * Upstream: what a frontend needs of the dispatchers of its data centre. Any dispatcher answers
 * any call; a form that speaks HTTP tries another one when the first does not answer.
 * In one process the dispatcher itself is the form.
 */

import type {
  ConnectionId,
  DurableEvent,
  Epoch,
  Event,
  Moment,
  StaffMember,
  Stamp,
  Topic,
} from "@ovation/protocol";

/** What an `Upstream` over the network rejects with where no dispatcher answers at all. */
export const NO_DISPATCHER = "no dispatcher answers";

/** The newest place of a topic in the log. */
export interface TopicHead {
  readonly topic: Topic;
  readonly seq: number;
  readonly epoch: Epoch;
  /** The oldest number that the log still keeps. */
  readonly first: number;
  /**
   * When its newest event was committed. Absent from dispatchers of an earlier version, and where
   * it was not asked for.
   */
  readonly stamp?: Stamp | undefined;
}

export interface UpstreamChange {
  readonly topic: Topic;
  readonly subscribed: boolean;
  /** Rises with every change of this frontend: see the subscription table. */
  readonly generation: number;
}

export interface Report {
  /** Viewers of each counted topic over all frontends and data centres. */
  readonly viewers: readonly { readonly topic: Topic; readonly viewers: number }[];
  /** Topics that got durable events after `since`: a frontend with less has missed events. */
  readonly heads: readonly TopicHead[];
  /** Every durable event up to this stamp is covered by `heads`, now or in an earlier report. */
  readonly stamp: Stamp;
  /**
   * The epoch of the log that reached it: see `Changes.epoch`. Absent from dispatchers of an
   * earlier version.
   */
  readonly epoch?: Epoch | undefined;
  /** More topics changed than a report holds: the next one, from `stamp`, is due at once. */
  readonly more?: boolean | undefined;
}

export interface EventPage {
  readonly events: readonly DurableEvent[];
  readonly head: TopicHead;
}

/** A change of subscriptions of a connection that another frontend holds. */
export interface ConnectionChange {
  readonly connection: ConnectionId;
  readonly add: readonly Topic[];
  readonly remove: readonly Topic[];
  /** The member of the request, which must be the connection's own. Empty without a token. */
  readonly sub: string;
  /**
   * When the token that allowed the topics expires, ms since 1970: they leave then. Absent where it
   * does not.
   */
  readonly expiresAt?: number | undefined;
  /**
   * Rises with the changes of one connection, where its client numbers them: one that comes after a
   * later one is not made.
   */
  readonly order?: number | undefined;
}

export type ConnectionChangeResult =
  | { readonly ok: true; readonly heads: readonly TopicHead[] }
  | {
      readonly ok: false;
      readonly error:
        | "unknown-connection"
        | "forbidden"
        | "too-many-topics"
        | "superseded"
        | "rate-limited"
        | "topics-exhausted";
      readonly retryAfterMs?: number;
    };

export interface Upstream {
  /**
   * Applies the changes in the subscription table and answers the heads of the topics subscribed,
   * read *after* the table has them: every later event arrives by dispatch.
   */
  change(changes: readonly UpstreamChange[]): Promise<readonly TopicHead[]>;
  /**
   * This frontend's counts (a topic that is not named keeps its last one; 0 ends it), and what is
   * new since the stamp of the last report.
   */
  report(
    viewers: readonly { readonly topic: Topic; readonly viewers: number }[],
    since: Stamp,
  ): Promise<Report>;
  /**
   * Durable events after `after`, the oldest first: the repair lane. With `need` the page may be up
   * to some seconds old, as long as its head is at least this sequence number: frontends that miss
   * the same events share one read of the log.
   */
  read(topic: Topic, after: number, limit: number, need?: number): Promise<EventPage>;
  /** Whether the log wrote this event; see `Log.wrote`. */
  wrote(topic: Topic, seq: number, epoch: Epoch): Promise<"yes" | "no" | "unknown">;
  /** Whether the log holds everything that was committed up to a moment; see `Log.reached`. */
  reached(moment: Moment): Promise<boolean>;
  /**
   * Where the topic stood at a moment of the log's clock: the newest event committed not after it.
   */
  headAt(topic: Topic, stamp: Stamp): Promise<TopicHead>;
  /** Passes the change to the frontend that the connection id names. */
  changeConnection(change: ConnectionChange): Promise<ConnectionChangeResult>;
  /**
   * Those of the guests who have become members: their tokens are not valid any more. Absent where
   * a form keeps no members.
   */
  upgraded?(guests: readonly string[]): Promise<readonly string[]>;
  /**
   * Begins or renews this frontend's lease in the subscription table, and returns its mark. After
   * another mark, the lease is a new one (the old one expired, the store restarted or failed over):
   * the table may have lost rows, and the frontend subscribes all topics again.
   */
  renew(ttlMs: number): Promise<string>;
  /**
   * These members have a connection here now: said at their connect and every PRESENCE_MS after.
   * `staff` are those of them who are hosts or moderators of the site, with what their tokens say.
   */
  present(members: readonly string[], staff: readonly StaffMember[]): Promise<void>;
  /**
   * Dispatches an event of type `canary` with this number to the frontend's own topic: it comes
   * back as any other does. Absent where a form does not have it.
   */
  probe?(number: number): Promise<void>;
  /** Unregisters this frontend: its rows and viewer counts no longer count. */
  release(): Promise<void>;
}

/** What dispatchers call. Never waits, never throws. */
export interface Inbox {
  dispatch(events: readonly Event[]): void;
}
