/**
 * A round: one walk over all connections of a topic. Each gets what the topic has for it when its
 * turn comes, also events that arrived after the round began; connections that were passed by then
 * get them in the next round. So an event waits for one turn of the round at most.
 *
 * A round that takes longer than a few milliseconds yields in between (`Hub`), and resumes there.
 */

import type { DirectSender } from "@ovation/protocol";
import { RING_BATCHES_MAX, RING_BYTES_MAX } from "../limits.ts";
import type { Batch } from "./batch.ts";
import { BatchRun } from "./batch-run.ts";
import type { Channel } from "./channel.ts";

/**
 * The ring keeps what two rounds made: neither may make more than this share of it beside its first
 * batch.
 */
const RING_SHARE = 1 / 4;

export class Round {
  readonly channel: Channel;
  readonly startedAt: number;
  /** The next connection's place in `channel.subscriptions`. */
  index = 0;
  /** Batches were made for later connections: those passed by are behind. */
  behind = false;
  readonly #sender: DirectSender | undefined;
  /** By the number of their first batch; all end with the topic's newest. */
  readonly #runs = new Map<number, BatchRun>();
  #made = 0;
  #madeBytes = 0;
  #latest: BatchRun | undefined;

  constructor(channel: Channel, sender: DirectSender | undefined, startedAt: number) {
    this.channel = channel;
    this.#sender = sender;
    this.startedAt = startedAt;
  }

  /** Whether later connections may get more than this round began with. */
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
   * Everything from a batch on; `undefined` where the ring has it no more. Hot path: neighbours
   * were reached at the same time in the last round, so nearly always it is the one before again.
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
