/**
 * One link: its pending events, its connection, and the states between.
 *
 * ```
 * connecting ──fresh──▶ open ──closed, refused, not acknowledged──▶ waiting ──timer──▶ connecting
 *      └──────failed, too slow───────────────────────────────────▶ waiting
 * any ──close()──▶ closed
 * ```
 */

import {
  type Clock,
  countDurable,
  countGaps,
  createMergeRules,
  createPendingCounts,
  type Event,
  type FrontendId,
  PendingEvents,
  type Policy,
} from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import * as limits from "./limits.ts";
import type { LinkStats } from "./links.ts";

/** The dispatcher's end of a connection to a frontend: messages in order, until it breaks. */
export interface LinkConnection {
  send(message: string): void;
  close(code: number): void;
}

export interface LinkEvents {
  /**
   * What the frontend says: `fresh` (see `limits.ts`), or how many batches of this connection
   * it has taken.
   */
  said(message: unknown): void;
  /** Refused, broken, or closed by the other end. */
  closed(reason: string): void;
}

export interface LinkOptions {
  readonly policy: Policy;
  readonly clock: Clock;
  random?(): number;
  /** Later in this turn of the event loop, or at the next. Default: `setImmediate`. */
  soon?(run: () => void): void;
  /** What happens is told later, never during the call. */
  connect(frontend: FrontendAddress, events: LinkEvents): LinkConnection;
  /** Called when a link opens or is lost, for the log. */
  onState?(frontend: FrontendId, state: "open" | "lost", detail: string): void;
  /**
   * A link that was open broke, and an attempt to open it again was refused: no process of this id
   * listens there. Not called where nothing answers: that may be the network, or a process that
   * hangs.
   */
  onGone?(frontend: FrontendId): void;
}

export interface Link {
  readonly url: string;
  /** When something was last handed to it, ms. */
  readonly lastUsedAt: number;
  send(events: readonly Event[]): void;
  stats(): LinkStats;
  /** Resolves when nothing waits or is under way, or after a short time. */
  drain(): Promise<void>;
  close(): void;
}

type State =
  | { readonly name: "connecting" | "open"; readonly connection: LinkConnection }
  | { readonly name: "waiting" }
  | { readonly name: "closed" };

export const DRAIN_MS_MAX = 1000;

export interface CreateLinkOptions extends LinkOptions {
  readonly frontend: FrontendAddress;
  /** Events as text; shared by the links, which often send the same. */
  encode(events: readonly Event[]): string;
}

export function createLink(options: CreateLinkOptions): Link {
  const { clock, frontend, policy, encode, onState } = options;
  const random = options.random ?? Math.random;
  const soon = options.soon ?? setImmediate;
  const counts = createPendingCounts();
  const pending = new PendingEvents({
    rules: createMergeRules(policy),
    bounds: limits.LINK_PENDING_BOUNDS,
    counts,
  });
  let state: State = { name: "waiting" };
  /** Events in each batch that is under way, the oldest first; 0 for a heartbeat. */
  let underWay: { readonly events: number; readonly durable: number }[] = [];
  /** Batches of this opening of the link that the frontend has taken. */
  let taken = 0;
  let acknowledgedAt = 0;
  let flushing = false;
  /**
   * Which connection of this link it is: late words of one that was given up are not ours any more.
   */
  let opening = 0;
  let attempts = 0;
  /** When the last open connection of this link broke. */
  let brokenAt = Number.NEGATIVE_INFINITY;
  let lastUsedAt = clock.now();
  let cancelTimer = (): void => undefined;
  let [sent, lostInFlight, reconnects] = [0, 0, 0];
  const durable = { sent: 0, lostInFlight: 0 };

  function connect(): void {
    const own = ++opening;
    const ifCurrent = (run: () => void): void => {
      if ((state.name === "connecting" || state.name === "open") && opening === own) run();
    };
    const connection = options.connect(frontend, {
      said: (message) => ifCurrent(() => heard(message)),
      closed: (reason) =>
        ifCurrent(() => {
          const isRefused = state.name === "connecting";
          lost(reason);
          if (isRefused) refused();
        }),
    });
    state = { name: "connecting", connection };
    timer(limits.LINK_CONNECT_MS_MAX, () => lost("no answer"));
  }

  function timer(ms: number, run: () => void): void {
    cancelTimer();
    cancelTimer = clock.after(ms, run);
  }

  function heard(message: unknown): void {
    const freshMs = limits.parseFresh(message);
    if (freshMs === undefined) {
      acknowledged(message);
      return;
    }
    const now = clock.now();
    pending.expire(now - freshMs, Number.NEGATIVE_INFINITY, now);
    if (state.name === "connecting") opened(state.connection);
    else if (state.name === "open") state.connection.send(limits.LINK_FRESH);
  }

  function opened(connection: LinkConnection): void {
    state = { name: "open", connection };
    attempts = 0;
    underWay = [];
    taken = 0;
    acknowledgedAt = clock.now();
    onState?.(frontend.id, "open", frontend.url);
    timer(limits.LINK_HEARTBEAT_MS, heartbeat);
    flush();
  }

  function heartbeat(): void {
    if (state.name !== "open") return;
    if (underWay.length > 0 && clock.now() - acknowledgedAt > limits.LINK_ACKNOWLEDGE_MS_MAX) {
      lost("not acknowledged");
      return;
    }
    if (underWay.length === 0) transmit(state.connection, []);
    timer(limits.LINK_HEARTBEAT_MS, heartbeat);
  }

  function transmit(connection: LinkConnection, events: readonly Event[]): void {
    if (underWay.length === 0) acknowledgedAt = clock.now();
    underWay.push({ events: events.length - countGaps(events), durable: countDurable(events) });
    connection.send(encode(events));
  }

  /** `count` batches of this opening have been taken; they are taken in order. */
  function acknowledged(text: unknown): void {
    const count = typeof text === "string" && /^[0-9]{1,16}$/.test(text) ? Number(text) : 0;
    if (count <= taken || count > taken + underWay.length) {
      lost("not an acknowledgement");
      return;
    }
    for (; taken < count; taken++) {
      const batch = underWay.shift();
      sent += batch?.events ?? 0;
      durable.sent += batch?.durable ?? 0;
    }
    acknowledgedAt = clock.now();
    flush();
  }

  function flush(): void {
    flushing = false;
    while (
      state.name === "open" &&
      pending.size > 0 &&
      underWay.length < limits.LINK_BATCHES_UNACKNOWLEDGED_MAX
    ) {
      transmit(
        state.connection,
        pending.take(limits.LINK_BATCH_EVENTS_MAX, limits.LINK_BATCH_BYTES_MAX),
      );
    }
  }

  function lost(reason: string): void {
    if (state.name === "closed") return;
    const before = state;
    loseUnderWay();
    state = { name: "waiting" };
    if (before.name !== "waiting") before.connection.close(limits.LINK_CLOSE_LOST);
    if (before.name === "open") brokenAt = clock.now();
    if (before.name === "open" || attempts === 0) onState?.(frontend.id, "lost", reason);
    const bound = Math.min(
      limits.LINK_RECONNECT_MS_MAX,
      limits.LINK_RECONNECT_MS_FIRST * 2 ** Math.min(attempts, 10),
    );
    attempts++;
    timer(random() * bound, reconnect);
  }

  /**
   * Each refusal is told: a report of the frontend that was in flight when it died may have been
   * counted after an earlier one. For a bounded time: a live frontend that refuses only this
   * dispatcher must not be told to be gone for ever.
   */
  function refused(): void {
    if (clock.now() - brokenAt <= limits.LINK_GONE_MS_MAX) options.onGone?.(frontend.id);
  }

  function loseUnderWay(): void {
    for (const batch of underWay) {
      lostInFlight += batch.events;
      durable.lostInFlight += batch.durable;
    }
    underWay = [];
  }

  function reconnect(): void {
    expire();
    reconnects++;
    connect();
  }

  function expire(): void {
    const now = clock.now();
    const before = now - limits.LINK_WAIT_MS_MAX;
    pending.expire(before, before, now);
  }

  connect();
  return {
    url: frontend.url,
    get lastUsedAt() {
      return lastUsedAt;
    },
    send(events) {
      if (state.name === "closed") return;
      lastUsedAt = clock.now();
      for (const event of events) pending.push(event, lastUsedAt);
      if (flushing || state.name !== "open") return;
      flushing = true;
      // After what else this turn of the event loop brings: publishes that came together leave
      // together.
      soon(flush);
    },
    stats: () => ({
      open: state.name === "open" ? 1 : 0,
      links: 1,
      sent,
      merged: counts.merged,
      droppedFull: counts.droppedFull,
      droppedAway: counts.expired,
      lostInFlight,
      durable: {
        ...durable,
        droppedFull: counts.durable.droppedFull,
        droppedAway: counts.durable.expired,
      },
      reconnects,
      waiting: pending.events,
      waitingBytes: pending.bytes,
    }),
    async drain() {
      const end = clock.now() + DRAIN_MS_MAX;
      while (
        state.name === "open" &&
        (pending.size > 0 || underWay.length > 0) &&
        clock.now() < end
      ) {
        await new Promise<void>((resolve) => clock.after(10, resolve));
      }
    },
    close() {
      if (state.name === "closed") return;
      const before = state;
      state = { name: "closed" };
      cancelTimer();
      loseUnderWay();
      pending.expire(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, clock.now());
      if (before.name === "connecting" || before.name === "open")
        before.connection.close(limits.LINK_CLOSE_DONE);
    },
  };
}
