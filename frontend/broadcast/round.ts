/**
 * A round: one pass over all subscriptions of a channel. Each connection gets every batch that it
 * lacks at its turn, also of events that arrived after the round began; connections before it get
 * those in the next round. So an event waits for one round at most.
 *
 * The hub interrupts a round after a few milliseconds and resumes it a turn of the event loop
 * later.
 */

import type { DirectSender } from "@ovation/protocol";
import { RING_BATCHES_MAX, RING_BYTES_MAX } from "../limits.ts";
import type { Batch } from "./batch.ts";
import { BatchRun } from "./batch-run.ts";
import type { Channel, Subscriber } from "./channel.ts";

/**
 * The ring must keep the batches of two rounds: beside its first, each may add this share of it.
 */
const RING_SHARE = 1 / 4;

export class Round<Entry extends Subscriber = Subscriber> {
  readonly channel: Channel<Entry>;
  readonly startedAt: number;
  /** The next index in `channel.subscriptions`. */
  index = 0;
  /** A batch was made for later connections: earlier ones are behind. */
  behind = false;
  readonly #sender: DirectSender | undefined;
  /** By the number of the first batch; all end with the newest one. */
  readonly #runs = new Map<number, BatchRun>();
  #made = 0;
  #madeBytes = 0;
  #latest: BatchRun | undefined;

  constructor(channel: Channel<Entry>, sender: DirectSender | undefined, startedAt: number) {
    this.channel = channel;
    this.#sender = sender;
    this.startedAt = startedAt;
  }

  /** Whether another batch may be made during this round. */
  get canTakeMore(): boolean {
    return (
      this.#made < RING_BATCHES_MAX * RING_SHARE && this.#madeBytes < RING_BYTES_MAX * RING_SHARE
    );
  }

  /** A batch was made during the round. */
  take(batch: Batch): void {
    this.#made++;
    this.#madeBytes += batch.encoded.length;
    if (this.index > 0) this.behind = true;
    this.#runs.clear();
    this.#latest = undefined;
  }

  /**
   * All batches from a number on; `undefined` where the ring has evicted one. Hot path: neighbours
   * lack the same batches, so the last run is nearly always the right one.
   */
  runFrom(from: number): BatchRun | undefined {
    if (this.#latest?.from === from) return this.#latest;
    this.#latest = this.#runs.get(from) ?? this.#make(from);
    return this.#latest;
  }

  #make(from: number): BatchRun | undefined {
    const { buffer, nextBatch } = this.channel;
    const batches: Batch[] = [];
    for (let number = from; number < nextBatch; number++) {
      const batch = buffer?.batch(number);
      if (batch === undefined) return undefined;
      batches.push(batch);
    }
    const run = new BatchRun(batches, this.#sender);
    this.#runs.set(from, run);
    return run;
  }
}
