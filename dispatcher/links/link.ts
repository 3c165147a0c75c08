/**
 * One link: its pending events, its connection, and its states.
 *
 * ```
 * connecting ──fresh──▶ open ──closed, refused, not acknowledged──▶ waiting ──timer──▶ connecting
 *      └──────failed, too slow───────────────────────────────────▶ waiting
 * any ──close()──▶ closed
 * ```
 */

import {
  type Clock,
  createMergeRules,
  createPendingCounts,
  drawBackoffMs,
  type Event,
  type FrontendId,
  PendingEvents,
  type Policy,
} from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import { BatchesInFlight } from "./batches-in-flight.ts";
import * as limits from "./limits.ts";
import type { LinkStats } from "./links.ts";

/** The dispatcher's end of a connection to a frontend: messages in order, until it breaks. */
export interface LinkConnection {
  send(message: string): void;
  close(code: number): void;
}

export interface LinkEvents {
  /**
   * A message of the frontend: `fresh` (see `limits.ts`), or how many batches of this connection it
   * has taken.
   */
  message(message: unknown): void;
  /** Refused, broken, or closed by the frontend. */
  closed(reason: string): void;
}

export interface LinkOptions {
  readonly policy: Policy;
  readonly clock: Clock;
  random?(): number;
  /** Later in this turn of the event loop, or in the next. Default: `setImmediate`. */
  soon?(run: () => void): void;
  /** Calls `events` later, never during the call. */
  connect(frontend: FrontendAddress, events: LinkEvents): LinkConnection;
  /** A link opened or was lost, for the log. */
  onState?(frontend: FrontendId, state: "open" | "lost", detail: string): void;
  /**
   * An open link broke, and a new connection was refused: no process of this id listens there. Not
   * called while the frontend is silent, which may be the network or a hanging process.
   */
  onGone?(frontend: FrontendId): void;
}

export interface CreateLinkOptions extends LinkOptions {
  readonly frontend: FrontendAddress;
  /** Events as text; shared by the links, which often send the same events. */
  encode(events: readonly Event[]): string;
  /** Pending bytes of all links together: each link adds its own. */
  readonly held: { bytes: number };
}

type State =
  | { readonly name: "connecting" | "open"; readonly connection: LinkConnection }
  | { readonly name: "waiting" }
  | { readonly name: "closed" };

export const DRAIN_MS_MAX = 1000;
const DRAIN_POLL_MS = 10;
const RECONNECT_BACKOFF = {
  firstMs: limits.LINK_RECONNECT_MS_FIRST,
  longestMs: limits.LINK_RECONNECT_MS_MAX,
};

export class Link {
  readonly url: string;
  readonly #options: CreateLinkOptions;
  readonly #clock: Clock;
  readonly #soon: (run: () => void) => void;
  readonly #counts = createPendingCounts();
  readonly #pending: PendingEvents;
  readonly #inFlight = new BatchesInFlight();
  #state: State = { name: "waiting" };
  /** The last acknowledgement, or the first batch in flight. */
  #progressAt = 0;
  #isFlushDue = false;
  /** The number of the current connection: messages of an earlier one are ignored. */
  #connections = 0;
  /** Failed attempts since the link was last open. */
  #attempts = 0;
  /** When the last open connection of this link broke. */
  #brokenAt = Number.NEGATIVE_INFINITY;
  #lastUsedAt: number;
  /** What it added to `held`. */
  #heldBytes = 0;
  #reconnects = 0;
  #cancelTimer = (): void => undefined;

  constructor(options: CreateLinkOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#soon = options.soon ?? setImmediate;
    this.url = options.frontend.url;
    this.#pending = new PendingEvents({
      rules: createMergeRules(options.policy),
      bounds: limits.LINK_PENDING_BOUNDS,
      counts: this.#counts,
    });
    this.#lastUsedAt = this.#clock.now();
    this.#connect();
  }

  /** When events were last sent, ms. */
  get lastUsedAt(): number {
    return this.#lastUsedAt;
  }

  /** How many events were dropped because the bound of the link was reached. */
  send(events: readonly Event[]): number {
    if (this.#state.name === "closed") return 0;
    const before = this.#counts.droppedFull;
    this.#lastUsedAt = this.#clock.now();
    for (const event of events) this.#pending.push(event, this.#lastUsedAt);
    this.#tellHeld();
    if (!this.#isFlushDue && this.#state.name === "open") {
      this.#isFlushDue = true;
      // Publishes of one turn of the event loop leave together.
      this.#soon(this.#flush);
    }
    return this.#counts.droppedFull - before;
  }

  get pendingBytes(): number {
    return this.#heldBytes;
  }

  /** Whether it may be closed: nothing is pending, and it is idle, or its frontend is away. */
  isUnneeded(now: number): boolean {
    const idleMs = now - this.#lastUsedAt;
    if (idleMs > limits.LINK_IDLE_MS_MAX) return true;
    const isAway = this.#state.name !== "open" && idleMs > limits.LINK_AWAY_MS_MAX;
    return isAway && this.#pending.size === 0;
  }

  /** Drops the oldest pending events, live ones first, until it holds so few bytes. */
  shed(bytesMax: number): number {
    const before = this.#counts.droppedFull;
    this.#pending.shed(bytesMax, this.#clock.now());
    this.#tellHeld();
    return this.#counts.droppedFull - before;
  }

  #tellHeld(): void {
    const { bytes } = this.#pending;
    this.#options.held.bytes += bytes - this.#heldBytes;
    this.#heldBytes = bytes;
  }

  stats(): LinkStats {
    const counts = this.#counts;
    const { acknowledged, lost, durable } = this.#inFlight;
    return {
      open: this.#state.name === "open" ? 1 : 0,
      links: 1,
      sent: acknowledged,
      merged: counts.merged,
      droppedFull: counts.droppedFull,
      droppedAway: counts.expired,
      lostInFlight: lost,
      durable: {
        sent: durable.acknowledged,
        lostInFlight: durable.lost,
        droppedFull: counts.durable.droppedFull,
        droppedAway: counts.durable.expired,
      },
      reconnects: this.#reconnects,
      evicted: 0,
      shed: 0,
      waiting: this.#pending.events,
      waitingBytes: this.#pending.bytes,
    };
  }

  /** Resolves when nothing is pending or in flight, at most after DRAIN_MS_MAX. */
  async drain(): Promise<void> {
    const end = this.#clock.now() + DRAIN_MS_MAX;
    while (
      this.#state.name === "open" &&
      (this.#pending.size > 0 || this.#inFlight.size > 0) &&
      this.#clock.now() < end
    ) {
      await new Promise<void>((resolve) => this.#clock.after(DRAIN_POLL_MS, resolve));
    }
  }

  close(): void {
    const before = this.#state;
    if (before.name === "closed") return;
    this.#state = { name: "closed" };
    this.#cancelTimer();
    this.#inFlight.lose();
    this.#expire(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    if (before.name !== "waiting") before.connection.close(limits.LINK_CLOSE_DONE);
  }

  #connect(): void {
    const number = ++this.#connections;
    const ifCurrent = (run: () => void): void => {
      const { name } = this.#state;
      if ((name === "connecting" || name === "open") && this.#connections === number) run();
    };
    const connection = this.#options.connect(this.#options.frontend, {
      message: (message) => ifCurrent(() => this.#receive(message)),
      closed: (reason) => ifCurrent(() => this.#closed(reason)),
    });
    this.#state = { name: "connecting", connection };
    this.#setTimer(limits.LINK_CONNECT_MS_MAX, () => this.#lose("no answer"));
  }

  #setTimer(ms: number, run: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(ms, run);
  }

  #receive(message: unknown): void {
    const freshMs = limits.parseFresh(message);
    if (freshMs === undefined) {
      this.#acknowledge(message);
      return;
    }
    this.#expire(this.#clock.now() - freshMs, Number.NEGATIVE_INFINITY);
    if (this.#state.name === "connecting") this.#open(this.#state.connection);
    else if (this.#state.name === "open") this.#state.connection.send(limits.LINK_FRESH);
  }

  #open(connection: LinkConnection): void {
    this.#state = { name: "open", connection };
    this.#attempts = 0;
    this.#progressAt = this.#clock.now();
    this.#options.onState?.(this.#options.frontend.id, "open", this.url);
    this.#setTimer(limits.LINK_HEARTBEAT_MS, () => this.#heartbeat());
    this.#flush();
  }

  #heartbeat(): void {
    if (this.#state.name !== "open") return;
    const isIdle = this.#inFlight.size === 0;
    if (!isIdle && this.#clock.now() - this.#progressAt > limits.LINK_ACKNOWLEDGE_MS_MAX) {
      this.#lose("not acknowledged");
      return;
    }
    if (isIdle) this.#transmit(this.#state.connection, []);
    this.#setTimer(limits.LINK_HEARTBEAT_MS, () => this.#heartbeat());
  }

  #transmit(connection: LinkConnection, events: readonly Event[]): void {
    if (this.#inFlight.size === 0) this.#progressAt = this.#clock.now();
    this.#inFlight.add(events);
    connection.send(this.#options.encode(events));
  }

  #acknowledge(text: unknown): void {
    const count = typeof text === "string" && /^[0-9]{1,16}$/.test(text) ? Number(text) : 0;
    if (!this.#inFlight.acknowledge(count)) {
      this.#lose("not an acknowledgement");
      return;
    }
    this.#progressAt = this.#clock.now();
    this.#flush();
  }

  /** Hot path: one function for the lifetime of the link, none per turn. */
  readonly #flush = (): void => {
    this.#isFlushDue = false;
    while (
      this.#state.name === "open" &&
      this.#pending.size > 0 &&
      this.#inFlight.size < limits.LINK_BATCHES_UNACKNOWLEDGED_MAX
    ) {
      this.#transmit(
        this.#state.connection,
        this.#pending.take(limits.LINK_BATCH_EVENTS_MAX, limits.LINK_BATCH_BYTES_MAX),
      );
    }
    this.#tellHeld();
  };

  #closed(reason: string): void {
    const isRefused = this.#state.name === "connecting";
    this.#lose(reason);
    // Reported for each refusal: a report of the frontend that was in flight when it died may be
    // counted after an earlier one. Bounded, because a live frontend may refuse this dispatcher.
    if (isRefused && this.#clock.now() - this.#brokenAt <= limits.LINK_GONE_MS_MAX)
      this.#options.onGone?.(this.#options.frontend.id);
  }

  #lose(reason: string): void {
    const before = this.#state;
    if (before.name === "closed") return;
    this.#inFlight.lose();
    this.#state = { name: "waiting" };
    if (before.name !== "waiting") before.connection.close(limits.LINK_CLOSE_LOST);
    if (before.name === "open") this.#brokenAt = this.#clock.now();
    if (before.name === "open" || this.#attempts === 0)
      this.#options.onState?.(this.#options.frontend.id, "lost", reason);
    const random = this.#options.random ?? Math.random;
    this.#setTimer(drawBackoffMs(RECONNECT_BACKOFF, this.#attempts++, random), () =>
      this.#reconnect(),
    );
  }

  #reconnect(): void {
    const before = this.#clock.now() - limits.LINK_WAIT_MS_MAX;
    this.#expire(before, before);
    this.#reconnects++;
    this.#connect();
  }

  #expire(liveBefore: number, durableBefore: number): void {
    this.#pending.expire(liveBefore, durableBefore, this.#clock.now());
    this.#tellHeld();
  }
}
