/** The bounds of the links between processes, and what happens at each. */

import { PENDING_LOSS_TOPICS_MAX, type PendingBounds } from "@ovation/protocol";

/** Batches in flight per link; beyond, events are pending and merge. */
export const LINK_BATCHES_UNACKNOWLEDGED_MAX = 8;
/** A receiver waits for this many batches, or this long, between two acknowledgements. */
export const LINK_ACKNOWLEDGE_BATCHES = LINK_BATCHES_UNACKNOWLEDGED_MAX / 2;
export const LINK_ACKNOWLEDGE_REST_MS = 5;
/** Of one batch. A receiver closes the link at twice as many. */
export const LINK_BATCH_EVENTS_MAX = 4000;
export const LINK_BATCH_BYTES_MAX = 256 * 1024;
/** Of one message that a receiver accepts: a character has up to 3 bytes in UTF-8. */
export const LINK_MESSAGE_BYTES_MAX = 2 * 1024 * 1024;
export const LINK_MESSAGE_EVENTS_MAX = 2 * LINK_BATCH_EVENTS_MAX;
/** Pending live events per link; beyond, the oldest are dropped, and announced by a `gap`. */
export const LINK_WAITING_EVENTS_MAX = 50_000;
export const LINK_WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** Pending durable ones; beyond, the oldest are dropped: the frontend pulls them from the log. */
export const LINK_WAITING_DURABLE_EVENTS_MAX = 50_000;
export const LINK_WAITING_DURABLE_BYTES_MAX = 16 * 1024 * 1024;
export const LINK_PENDING_BOUNDS: PendingBounds = {
  live: { eventsMax: LINK_WAITING_EVENTS_MAX, bytesMax: LINK_WAITING_BYTES_MAX },
  durable: {
    eventsMax: LINK_WAITING_DURABLE_EVENTS_MAX,
    bytesMax: LINK_WAITING_DURABLE_BYTES_MAX,
  },
  lossTopicsMax: PENDING_LOSS_TOPICS_MAX,
};
/** How long an event waits for an unreachable frontend before it is dropped. */
export const LINK_WAIT_MS_MAX = 3000;
/** An idle link sends an empty batch this often, to detect a broken connection. */
export const LINK_HEARTBEAT_MS = 2000;
/** A batch that is not acknowledged for this long ends the link. */
export const LINK_ACKNOWLEDGE_MS_MAX = 4000;
export const LINK_CONNECT_MS_MAX = 3000;
export const LINK_RECONNECT_MS_FIRST = 50;
export const LINK_RECONNECT_MS_MAX = 1000;
/** A refusal this soon after a link broke means a dead frontend; later, leases decide. */
export const LINK_GONE_MS_MAX = 5000;
/** A link on which nothing was sent for this long is closed. */
export const LINK_IDLE_MS_MAX = 60_000;
/** A link that is not open, holds nothing and was not used for this long is closed: a dead id. */
export const LINK_AWAY_MS_MAX = LINK_WAIT_MS_MAX;
/** How often links that are not needed are looked for. */
export const LINK_SWEEP_MS = 1000;
/**
 * Links of one dispatcher, and of one frontend. A dispatcher closes the one that it did not use for
 * longest; a frontend refuses one more.
 */
export const LINKS_MAX = 10_000;
/**
 * Pending events of all links of a dispatcher, bytes. Beyond, the link that holds most drops its
 * oldest.
 */
export const LINKS_WAITING_BYTES_MAX = 256 * 1024 * 1024;

/** On the frontend's internal listener. */
export const LINK_PATH = "/internal/v1/link";

/**
 * `fresh 1200`, from the frontend: live events that have been pending for longer than this many ms
 * are stale. It is the first message on every link, and nothing is sent before it. It is repeated
 * when the dispatcher was too slow to wait for; the dispatcher then replies `fresh`, behind the
 * events that it sent before.
 */
export const LINK_FRESH = "fresh";

export function formatFresh(ms: number): string {
  return `${LINK_FRESH} ${Math.min(Math.max(0, Math.floor(ms)), Number.MAX_SAFE_INTEGER)}`;
}

/** The ms of `fresh 1200`; `undefined` for any other message. */
export function parseFresh(message: unknown): number | undefined {
  const [, ms] = /^fresh ([0-9]{1,16})$/.exec(String(message)) ?? [];
  return ms === undefined ? undefined : Number(ms);
}

/** Codes of a dispatcher that closes a link: no event is pending, or it will reconnect. */
export const LINK_CLOSE_DONE = 1000;
export const LINK_CLOSE_LOST = 4000;
