/**
 * The other data centres, as a dispatcher sees them.
 *
 * - `forward` never waits and never throws. Each event goes once to one dispatcher of every peer,
 *   which dispatches it there and forwards it no further: so there are no loops.
 * - Order is kept per forwarding dispatcher, while the peer's dispatcher stays the same one.
 * - A batch whose response was lost is sent again under the same id, to any dispatcher of the peer,
 *   and taken once. Where the peer's store has lost the ids of taken batches meanwhile, the live
 *   events of that batch are left out: live events arrive at most once.
 * - Events of busy topics without a subscriber in a peer are skipped: see `interest.ts`.
 * - While a peer is unreachable, events are pending, bounded, and merge. Live events are dropped
 *   when they are older than `--forward-ttl`. Durable ones wait longer; beyond that, the peer's
 *   frontends pull them from the log (repair).
 */

import { type Event, PENDING_LOSS_TOPICS_MAX, type PendingBounds } from "@ovation/protocol";
import { isInternalUrl } from "../links/frontend-credential.ts";

export interface Peer {
  /** Name of the data centre: 1 to 32 characters of `[a-z0-9-]`. */
  readonly name: string;
  /** Internal URLs of its dispatchers. */
  readonly urls: readonly string[];
}

/** The value of `--peer`. URLs without a name are asked for it (`directory.ts`). */
export interface PeerUrls {
  readonly name: string | undefined;
  readonly urls: readonly string[];
}

export interface PeerStats {
  readonly name: string;
  readonly up: boolean;
  /** Events that the peer has taken. */
  readonly sent: number;
  readonly merged: number;
  /** The pending events were at their bound. */
  readonly droppedFull: number;
  /** Pending for longer than they may be. */
  readonly expired: number;
  /** The durable ones among these. */
  readonly durable: {
    readonly sent: number;
    readonly droppedFull: number;
    readonly expired: number;
  };
  /** Not forwarded, for lack of a subscriber there. */
  readonly skipped: number;
  /**
   * Live events that were left out of a repeated batch: the peer's store has lost whether the batch
   * was taken.
   */
  readonly forgotten: number;
  /** Attempts that failed. */
  readonly retries: number;
  /** Events that are pending now, and batches in flight now. */
  readonly waiting: number;
  readonly inFlight: number;
}

export interface Peers {
  forward(events: readonly Event[]): void;
  /** Adds a data centre. Its URLs may grow. */
  add(peer: Peer): void;
  stats(): readonly PeerStats[];
  /** Sends what can leave at once. */
  close(): Promise<void>;
}

export const FORWARD_TTL_MS_DEFAULT = 5000;

/** Batches in flight to one peer: at a round trip of 200 ms one may leave every 12 ms. */
export const FORWARD_BATCHES_MAX = 16;
/** Between two batches to one peer: at usual distances their number stays below the bound. */
export const FORWARD_EVERY_MS = 5;
export const FORWARD_BATCH_EVENTS_MAX = 5000;
export const FORWARD_BATCH_BYTES_MAX = 512 * 1024;
/** Pending live events per peer; beyond, the oldest are dropped, and announced by a `gap`. */
export const FORWARD_WAITING_EVENTS_MAX = 100_000;
export const FORWARD_WAITING_BYTES_MAX = 32 * 1024 * 1024;
/** Pending durable ones; beyond, the oldest are dropped: the peer's frontends pull them. */
export const FORWARD_WAITING_DURABLE_EVENTS_MAX = 100_000;
export const FORWARD_WAITING_DURABLE_BYTES_MAX = 32 * 1024 * 1024;
export const FORWARD_PENDING_BOUNDS: PendingBounds = {
  live: { eventsMax: FORWARD_WAITING_EVENTS_MAX, bytesMax: FORWARD_WAITING_BYTES_MAX },
  durable: {
    eventsMax: FORWARD_WAITING_DURABLE_EVENTS_MAX,
    bytesMax: FORWARD_WAITING_DURABLE_BYTES_MAX,
  },
  lossTopicsMax: PENDING_LOSS_TOPICS_MAX,
};
/** How long a durable event is pending; older ones the peer's frontends pull from the log. */
export const FORWARD_DURABLE_MS_MAX = 60_000;
export const FORWARD_TIMEOUT_MS = 3000;
export const FORWARD_RETRY_MS_MAX = 1000;
/** Bounds of one call that a peer accepts. */
export const FORWARD_CALL_BYTES_MAX = 4 * 1024 * 1024;
export const FORWARD_CALL_EVENTS_MAX = 2 * FORWARD_BATCH_EVENTS_MAX;
/** Of the epoch of a peer's store. */
export const FORWARD_LIFE_CHARACTERS_MAX = 64;
/** Topics in one question for viewer counts, the most recently wanted ones. */
export const PEER_VIEWERS_TOPICS_MAX = 5000;

/** Of a question for interest; without a response in this time, the peer wants every topic. */
export const WANTED_TIMEOUT_MS = 1000;
/** Topics of a question that a peer accepts. */
export const WANTED_CALL_TOPICS_MAX = 5000;

export const FORWARD_PATH = "/internal/v1/forward";
export const WANTED_PATH = "/internal/v1/wanted";
export const DATACENTER_PATH = "/internal/v1/datacenter";
export const PEER_VIEWERS_PATH = "/internal/v1/peer-viewers";

const DATACENTER = /^[a-z0-9][a-z0-9-]{0,31}$/;

export function isDatacenterName(text: string): boolean {
  return DATACENTER.test(text);
}

/** The caller's name in `ovation-from`. */
export function formatPeerCaller(datacenter: string, dispatcherId: string): string {
  return `datacenter ${datacenter} ${dispatcherId}`;
}

/**
 * `http://10.1.0.4:9090,http://10.1.0.5:9090` or `east=http://…`, as in `--peer`. Throws an Error
 * that names the expected form.
 */
export function parsePeer(text: string): PeerUrls {
  const equals = text.indexOf("=");
  const name = equals < 0 ? undefined : text.slice(0, equals);
  const urls = text
    .slice(equals + 1)
    .split(",")
    .map((url) => url.replace(/\/$/, ""));
  if ((name !== undefined && !isDatacenterName(name)) || !urls.every(isInternalUrl)) {
    throw new Error(
      "a peer is NAME=http://host:port,http://host:port or the URLs alone: " +
        "the internal URLs of its dispatchers",
    );
  }
  return { name, urls };
}
