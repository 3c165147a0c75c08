/**
 * The other data centres, as a dispatcher sees them.
 *
 * - `forward` never waits and never throws. Each event goes once to one dispatcher of every peer data
 *   centre, which dispatches it there and forwards it no further: so there are no loops.
 * - Order is kept per dispatcher that forwards, as long as the peer's dispatcher stays the same one.
 * - A batch whose answer was lost is sent again under the same id, to the same or another dispatcher of
 *   the peer, and taken once: no duplicates. Where the peer's store has forgotten meanwhile what was taken,
 *   its live events are left out: they come at most once.
 * - Events of busy topics that nobody in a peer has are spared: see `interest.ts`.
 * - While a peer cannot be reached, events wait in a bounded buffer, where those that merge do. Live events
 *   are dropped when they are older than `--forward-ttl`; durable ones wait longer, and what no longer
 *   fits is left to the repair lane: the peer's frontends see that it is missing and pull it from the log.
 */

import { type Event, PENDING_LOSS_TOPICS_MAX, type PendingBounds } from "@ovation/protocol";
import { isInternalUrl } from "../links/frontend-credential.ts";

export interface Peer {
  /** Name of the data centre: 1 to 32 characters of `[a-z0-9-]`. */
  readonly name: string;
  /** Internal addresses of its dispatchers. */
  readonly urls: readonly string[];
}

/** What `--peer` says: a data centre and its addresses, or addresses alone, which are asked for its name (`directory.ts`). */
export interface PeerUrls {
  readonly name: string | undefined;
  readonly urls: readonly string[];
}

export interface PeerStats {
  readonly name: string;
  readonly up: boolean;
  /** Taken by the peer. */
  readonly sent: number;
  readonly merged: number;
  /** The buffer was full. */
  readonly droppedFull: number;
  /** Waited longer than they may. */
  readonly expired: number;
  /** The durable ones among these. */
  readonly durable: {
    readonly sent: number;
    readonly droppedFull: number;
    readonly expired: number;
  };
  /** Not forwarded, because nobody there has the topic. */
  readonly spared: number;
  /** Live events of batches that may have been taken: the peer's store forgot whether they were, and they were left out. */
  readonly forgotten: number;
  /** Batches that were not answered, and were tried again. */
  readonly retries: number;
  /** Events that wait, and batches under way, at the moment. */
  readonly waiting: number;
  readonly underWay: number;
}

export interface Peers {
  forward(events: readonly Event[]): void;
  /** One more data centre, from now on. Its addresses may grow. */
  add(peer: Peer): void;
  stats(): readonly PeerStats[];
  /** Hands over what can go out at once. */
  close(): Promise<void>;
}

export const FORWARD_TTL_MS_DEFAULT = 5000;

/** Live batches under way to one peer: at 200 ms there and back one may leave every 12 ms. */
export const FORWARD_BATCHES_MAX = 16;
/** Between two batches to one peer, so that their number stays below the bound at usual distances. */
export const FORWARD_EVERY_MS = 5;
export const FORWARD_BATCH_EVENTS_MAX = 5000;
export const FORWARD_BATCH_BYTES_MAX = 512 * 1024;
/** Live events that wait for a peer; beyond, the oldest are dropped, and announced by a `gap`. */
export const FORWARD_WAITING_EVENTS_MAX = 100_000;
export const FORWARD_WAITING_BYTES_MAX = 32 * 1024 * 1024;
/** Durable ones; beyond, the oldest are dropped: the peer's frontends pull them from the log. */
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
/** A durable event waits this long for its peer; older ones the peer pulls from the log. */
export const FORWARD_DURABLE_MS_MAX = 60_000;
export const FORWARD_TIMEOUT_MS = 3000;
export const FORWARD_RETRY_MS_MAX = 1000;
/** What a peer accepts in one call. */
export const FORWARD_CALL_BYTES_MAX = 4 * 1024 * 1024;
export const FORWARD_CALL_EVENTS_MAX = 2 * FORWARD_BATCH_EVENTS_MAX;
/** The peer's name for the life of its store. */
export const FORWARD_LIFE_CHARACTERS_MAX = 64;
/** Topics in one question for viewers, the most recently wanted ones. */
export const PEER_VIEWERS_TOPICS_MAX = 5000;

/** A question for what is wanted; without an answer in this time everything is. */
export const WANTED_TIMEOUT_MS = 1000;
/** Topics that are accepted in one. */
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

/** `http://10.1.0.4:9090,http://10.1.0.5:9090` or `east=http://…`, as `--peer` takes it. Throws an Error that says what is expected. */
export function parsePeer(text: string): PeerUrls {
  const equals = text.indexOf("=");
  const name = equals < 0 ? undefined : text.slice(0, equals);
  const urls = text
    .slice(equals + 1)
    .split(",")
    .map((url) => url.replace(/\/$/, ""));
  if ((name !== undefined && !isDatacenterName(name)) || !urls.every(isInternalUrl)) {
    throw new Error(
      "a peer is NAME=http://host:port,http://host:port or the addresses alone: its dispatchers' internal ones",
    );
  }
  return { name, urls };
}
