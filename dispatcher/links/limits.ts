/** Every bound of the links between processes, with what happens there. */

import { PENDING_LOSS_TOPICS_MAX, type PendingBounds } from "@ovation/protocol";

/** Batches that were sent and not yet acknowledged, per link; beyond, events wait and merge. */
export const LINK_BATCHES_UNACKNOWLEDGED_MAX = 8;
/** A receiver that acknowledged something just now waits for so many batches, or so long, before it does again. */
export const LINK_ACKNOWLEDGE_BATCHES = LINK_BATCHES_UNACKNOWLEDGED_MAX / 2;
export const LINK_ACKNOWLEDGE_REST_MS = 5;
/** Of one batch. A receiver closes the link at twice that. */
export const LINK_BATCH_EVENTS_MAX = 4000;
export const LINK_BATCH_BYTES_MAX = 256 * 1024;
/** What a receiver accepts in one message: `bytes` are counted in characters, of up to 3 bytes each. */
export const LINK_MESSAGE_BYTES_MAX = 2 * 1024 * 1024;
export const LINK_MESSAGE_EVENTS_MAX = 2 * LINK_BATCH_EVENTS_MAX;
/** Live events that wait for one frontend; beyond, the oldest are dropped, and announced by a `gap`. */
export const LINK_WAITING_EVENTS_MAX = 50_000;
export const LINK_WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** Durable ones; beyond, the oldest are dropped: the frontend pulls them from the log. */
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
/** How long an event may wait for a frontend that cannot be reached. */
export const LINK_WAIT_MS_MAX = 3000;
/** An idle link sends an empty batch this often, so that a cut is noticed. */
export const LINK_HEARTBEAT_MS = 2000;
/** A batch that is not acknowledged for this long ends the link. */
export const LINK_ACKNOWLEDGE_MS_MAX = 4000;
export const LINK_CONNECT_MS_MAX = 3000;
export const LINK_RECONNECT_MS_FIRST = 50;
export const LINK_RECONNECT_MS_MAX = 1000;
/** Refusals this long after a link broke mean that its frontend is dead; later, its leases decide. */
export const LINK_GONE_MS_MAX = 5000;
/** A link that nothing was sent on for this long is closed and forgotten. */
export const LINK_IDLE_MS_MAX = 60_000;
/** Links of one dispatcher, and of one frontend. */
export const LINKS_MAX = 1000;

/** The path of the frontend's internal listener that links connect to. */
export const LINK_PATH = "/internal/v1/link";

/**
 * `fresh 1200`, from the frontend: live events that have waited for it for longer than so many ms are not wanted any more, somebody
 * there may have heard them elsewhere. The first word on every link, before which nothing is sent; and said again when the
 * dispatcher was too slow to be waited for: it then answers `fresh`, behind what it had sent by then.
 */
export const LINK_FRESH = "fresh";

export function formatFresh(ms: number): string {
  return `${LINK_FRESH} ${Math.min(Math.max(0, Math.floor(ms)), Number.MAX_SAFE_INTEGER)}`;
}

/** The ms of `fresh 1200`; `undefined` where it is not that. */
export function parseFresh(message: unknown): number | undefined {
  const [, ms] = /^fresh ([0-9]{1,16})$/.exec(String(message)) ?? [];
  return ms === undefined ? undefined : Number(ms);
}

/** How a dispatcher closes a link: nothing waits for it any more, or it will be made anew for what does. */
export const LINK_CLOSE_DONE = 1000;
export const LINK_CLOSE_LOST = 4000;
