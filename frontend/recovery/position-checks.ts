/**
 * Position checks: what the log says of the position that a returning client brings. Clients with
 * the same position share one question, and its answer is reused for a moment.
 *
 * An answer serves channels that joined before it was asked. A channel that joined later may have
 * its head from a restored log; the answer then describes the epoch that was lost.
 */

import {
  Cache,
  type Clock,
  type Epoch,
  type Moment,
  type Stamp,
  type Topic,
  type TopicPosition,
} from "@ovation/protocol";
import type { Hub } from "../broadcast/hub.ts";
import { POSITION_CHECK_CACHE_MS, POSITION_CHECKS_CACHED_MAX } from "../limits.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { LogReads } from "./log-reads.ts";

export interface PositionChecksOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly reads: LogReads;
  readonly hub: Pick<Hub, "order" | "watermark">;
}

/** The client on whose behalf the log is asked. */
export interface Asker {
  /** Its questions queue behind those of this address only. */
  readonly address: string;
  /** See `Channel.joinedOrder`. */
  readonly joinedOrder: number;
}

interface Answer<Value> {
  readonly value: Value;
  /** The order at which the log was asked. */
  readonly asked: number;
}

type Wrote = Awaited<ReturnType<Upstream["wrote"]>>;

export class PositionChecks {
  readonly #options: PositionChecksOptions;
  readonly #reached: Cache<Answer<boolean>>;
  readonly #wrote: Cache<Answer<Wrote>>;
  readonly #heads: Cache<Answer<TopicPosition>>;
  readonly #firsts: Cache<Answer<number>>;
  /** Queued and running reads: the order at which each was asked. */
  readonly #asked = new Map<string, number>();

  constructor(options: PositionChecksOptions) {
    const limits = { ageMs: POSITION_CHECK_CACHE_MS, entriesMax: POSITION_CHECKS_CACHED_MAX };
    this.#options = options;
    this.#reached = new Cache(options.clock, limits);
    this.#wrote = new Cache(options.clock, limits);
    this.#heads = new Cache(options.clock, limits);
    this.#firsts = new Cache(options.clock, limits);
  }

  /** See `Log.wrote`. */
  wrote(asker: Asker, topic: Topic, seq: number, epoch: Epoch): Promise<Wrote> {
    return this.#ask(asker, this.#wrote, `wrote ${topic} ${seq} ${epoch}`, () =>
      this.#options.upstream.wrote(topic, seq, epoch),
    );
  }

  /** Whether the log holds everything up to the moment; the watermark then covers it. */
  async reached(asker: Asker, moment: Moment): Promise<boolean> {
    const { upstream, hub } = this.#options;
    const { epoch, stamp } = moment;
    const reached = await this.#ask(asker, this.#reached, `reached ${epoch} ${stamp}`, () =>
      upstream.reached(moment),
    );
    // The client may have newer events than this frontend: ids of this frontend must say so.
    if (reached) hub.watermark.noteStored(epoch, stamp);
    return reached;
  }

  headAt(asker: Asker, topic: Topic, stamp: Stamp): Promise<TopicPosition> {
    return this.#ask(asker, this.#heads, `head ${topic} ${stamp}`, async () => {
      const { seq, epoch } = await this.#options.upstream.headAt(topic, stamp);
      return { seq, epoch };
    });
  }

  /** The oldest sequence number that the log keeps. */
  firstOf(asker: Asker, topic: Topic): Promise<number> {
    return this.#ask(
      asker,
      this.#firsts,
      `first ${topic}`,
      async () => (await this.#options.upstream.read(topic, 0, 1)).head.first,
    );
  }

  async #ask<Value>(
    { address, joinedOrder }: Asker,
    cache: Cache<Answer<Value>>,
    key: string,
    run: () => Promise<Value>,
  ): Promise<Value> {
    const known = cache.get(key);
    if (known !== undefined && known.asked >= joinedOrder) return known.value;
    const { hub, reads } = this.#options;
    const inFlight = this.#asked.get(key);
    // An order of its own: every channel that joins from now on has a higher one.
    const asked = inFlight !== undefined && inFlight >= joinedOrder ? inFlight : ++hub.order;
    this.#asked.set(key, asked);
    try {
      const value = await reads.read(address, `${key} ${asked}`, run);
      if ((cache.get(key)?.asked ?? 0) <= asked) cache.set(key, { value, asked });
      return value;
    } finally {
      if (this.#asked.get(key) === asked) this.#asked.delete(key);
    }
  }
}
