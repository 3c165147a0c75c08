/**
 * The lane to one peer data centre.
 *
 * While it is up, a batch leaves at most every {@link limits.FORWARD_EVERY_MS} and several are in
 * flight: waiting for each response would delay every event by up to a round trip. Batches are
 * numbered, so that the peer can restore their order.
 *
 * A batch names the epoch of the peer's store in which it was first sent (`receiver.ts`). If that
 * epoch is over, the peer does not take the batch, and it is sent again in the new one. If an
 * attempt in the old epoch got no response, the batch may have been taken: its live events, which
 * arrive at most once, are left out. (Durable ones are deduplicated by their sequence numbers.)
 *
 * When a batch fails, the lane is away: only the oldest failed batch is sent, to the next URL each
 * time, until it is taken. Then the other failed ones follow, in order.
 */

import {
  boundBackoffMs,
  type Clock,
  countDurable,
  countGaps,
  createMergeRules,
  createPendingCounts,
  type Event,
  GAP_TYPE,
  isDurable,
  PendingEvents,
  type Policy,
} from "@ovation/protocol";
import type { InternalClient } from "../internal/client.ts";
import { ForwardBatch, postForward } from "./forward-batch.ts";
import type { Peer, PeerStats } from "./peer.ts";
import * as limits from "./peer.ts";

export interface PeerLaneOptions {
  readonly peer: Peer;
  readonly client: InternalClient;
  readonly dispatcherId: string;
  readonly policy: Policy;
  readonly clock: Clock;
  random(): number;
  readonly forwardTtlMs: number;
  onState(state: "up" | "away", detail: string): void;
}

export const CLOSE_MS_MAX = 1000;
const CLOSE_POLL_MS = 10;
const RETRY_BACKOFF = { firstMs: 50, longestMs: limits.FORWARD_RETRY_MS_MAX };
/** The bound of the pause before another URL is tried for the first time. */
const FAILOVER_PAUSE_MS = 20;

export class PeerLane {
  readonly #options: PeerLaneOptions;
  readonly #clock: Clock;
  readonly #counts = createPendingCounts();
  readonly #pending: PendingEvents;
  readonly #inFlight = new Set<ForwardBatch>();
  /** Ascending by number. */
  #failed: ForwardBatch[] = [];
  #isUp = true;
  #isClosed = false;
  #urlIndex: number;
  /** The number of the last batch. */
  #number = 0;
  /** The epoch of the peer's store, as of its last response. */
  #storeEpoch = "";
  #flushedAt = 0;
  /** Failed attempts since the last response. */
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  #sent = 0;
  #durableSent = 0;
  #forgotten = 0;
  #retries = 0;

  constructor(options: PeerLaneOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#pending = new PendingEvents({
      rules: createMergeRules(options.policy),
      bounds: limits.FORWARD_PENDING_BOUNDS,
      counts: this.#counts,
    });
    this.#urlIndex = Math.floor(options.random() * options.peer.urls.length);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** The internal URL of the peer that responded last, as far as is known. */
  get url(): string {
    const { urls } = this.#options.peer;
    return urls[this.#urlIndex % urls.length] ?? "";
  }

  /** `since`: when the events were published, where that was not now. */
  push(events: readonly Event[], since = this.#clock.now()): void {
    if (this.#isClosed) return;
    for (const event of events) this.#pending.push(event, since);
    this.#schedule();
  }

  stats(): PeerStats {
    const counts = this.#counts;
    return {
      name: this.#options.peer.name,
      up: this.#isUp,
      sent: this.#sent,
      merged: counts.merged,
      droppedFull: counts.droppedFull,
      durable: {
        sent: this.#durableSent,
        droppedFull: counts.durable.droppedFull,
        expired: counts.durable.expired,
      },
      expired: counts.expired,
      skipped: 0,
      forgotten: this.#forgotten,
      retries: this.#retries,
      waiting:
        this.#pending.events + this.#failed.reduce((sum, batch) => sum + batch.events.length, 0),
      inFlight: this.#inFlight.size,
    };
  }

  /** Resolves when nothing is pending or in flight, at most after CLOSE_MS_MAX. */
  async close(): Promise<void> {
    const end = this.#clock.now() + CLOSE_MS_MAX;
    while (
      this.#isUp &&
      (this.#pending.size > 0 || this.#inFlight.size > 0) &&
      this.#clock.now() < end
    ) {
      await new Promise<void>((resolve) => this.#clock.after(CLOSE_POLL_MS, resolve));
    }
    this.#isClosed = true;
    this.#clearTimer();
  }

  #setTimer(ms: number, run: () => void): void {
    this.#clearTimer();
    this.#cancelTimer = this.#clock.after(ms, () => {
      this.#cancelTimer = undefined;
      run();
    });
  }

  #clearTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #schedule(): void {
    if (
      !this.#isUp ||
      this.#cancelTimer !== undefined ||
      this.#pending.size === 0 ||
      this.#inFlight.size >= limits.FORWARD_BATCHES_MAX
    )
      return;
    const at = this.#flushedAt + limits.FORWARD_EVERY_MS;
    this.#setTimer(Math.max(0, at - this.#clock.now()), () => this.#flush());
  }

  #flush(): void {
    if (!this.#isUp) return;
    this.#flushedAt = this.#clock.now();
    this.#expirePending();
    const since = this.#pending.oldest;
    if (since === undefined) return;
    const events = this.#pending.take(
      limits.FORWARD_BATCH_EVENTS_MAX,
      limits.FORWARD_BATCH_BYTES_MAX,
    );
    void this.#post(new ForwardBatch(++this.#number, events, since));
    this.#schedule();
  }

  #expirePending(): void {
    const now = this.#clock.now();
    const liveBefore = now - this.#options.forwardTtlMs;
    this.#pending.expire(liveBefore, now - limits.FORWARD_DURABLE_MS_MAX, now);
  }

  async #post(batch: ForwardBatch): Promise<void> {
    const { client, dispatcherId, peer } = this.#options;
    this.#inFlight.add(batch);
    batch.storeEpoch ??= this.#storeEpoch;
    const to = { peer: peer.name, url: this.url };
    const outcome = await postForward(client, to, batch.format(dispatcherId));
    this.#inFlight.delete(batch);
    if ("reason" in outcome) {
      if (!outcome.nothingSent) batch.isUncertain = true;
      this.#fail(batch, outcome.reason);
      return;
    }
    if (outcome.life !== "") this.#storeEpoch = outcome.life;
    this.#recover();
    if (outcome.taken) this.#complete(batch);
    else this.#repeatInNewEpoch(batch);
  }

  #complete({ events }: ForwardBatch): void {
    this.#sent += events.length - countGaps(events);
    this.#durableSent += countDurable(events);
    this.#schedule();
  }

  #repeatInNewEpoch(batch: ForwardBatch): void {
    this.#retries++;
    if (batch.isUncertain) {
      const durable = batch.events.filter(isDurable);
      this.#forgotten += batch.events.length - durable.length;
      batch.events = durable;
    }
    batch.storeEpoch = undefined;
    batch.isUncertain = false;
    this.#dropExpired(batch);
    // Also without events: the peer waits for its number.
    if (!this.#isClosed) void this.#post(batch);
  }

  /** The peer responded. */
  #recover(): void {
    this.#failures = 0;
    if (this.#isUp || this.#isClosed) return;
    this.#isUp = true;
    this.#clearTimer();
    this.#options.onState("up", this.url);
    const failed = this.#failed;
    this.#failed = [];
    for (const batch of failed) if (this.#dropExpired(batch)) void this.#post(batch);
  }

  #fail(batch: ForwardBatch, reason: string): void {
    this.#retries++;
    this.#failed = [...this.#failed, batch].sort((left, right) => left.number - right.number);
    if (this.#isClosed) return;
    if (this.#isUp) {
      this.#isUp = false;
      this.#options.onState("away", reason);
    } else if (this.#cancelTimer !== undefined) {
      // An earlier batch failed as well, and has scheduled the next attempt.
      return;
    }
    this.#urlIndex++;
    // One quick round over all URLs, then backoff with full jitter.
    const attempt = this.#failures++ - this.#options.peer.urls.length;
    const boundMs = attempt < 0 ? FAILOVER_PAUSE_MS : boundBackoffMs(RETRY_BACKOFF, attempt);
    this.#setTimer(this.#options.random() * boundMs, () => this.#retry());
  }

  #retry(): void {
    this.#expirePending();
    this.#failed = this.#failed.filter((batch) => this.#dropExpired(batch));
    // An empty batch asks whether the peer is reachable.
    const oldest = this.#failed.shift() ?? new ForwardBatch(++this.#number, [], this.#clock.now());
    void this.#post(oldest);
  }

  /** Returns whether any event is left. */
  #dropExpired(batch: ForwardBatch): boolean {
    const now = this.#clock.now();
    const age = now - batch.since;
    if (age <= this.#options.forwardTtlMs) return batch.events.length > 0;
    const left: Event[] = [];
    for (const event of batch.events) {
      if (isDurable(event) && age <= limits.FORWARD_DURABLE_MS_MAX) left.push(event);
      // Its loss is announced with the next batch.
      else if (event.type === GAP_TYPE) this.#pending.push(event, now);
      else {
        this.#counts.expired++;
        if (isDurable(event)) this.#counts.durable.expired++;
        // If only the responses were lost, the peer has the event: the announced loss is too high,
        // but never too low.
        else this.#pending.addLoss(event, "away", now);
      }
    }
    batch.events = left;
    return left.length > 0;
  }
}
