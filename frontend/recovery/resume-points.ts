/**
 * Claims: what a returning client says it has, per topic, and what may be believed of it. A position
 * is a claim, not a fact: it is compared with what this frontend broadcast or what the log wrote.
 */

import {
  type BroadcastPoint,
  Cache,
  type Clock,
  type Epoch,
  type FrontendId,
  type Moment,
  type Position,
  type Stamp,
  type Topic,
  type TopicPosition,
} from "@ovation/protocol";
import type { Channel } from "../broadcast/channel.ts";
import type { Hub } from "../broadcast/hub.ts";
import { CLAIM_CACHE_MS, CLAIMS_CACHED_MAX } from "../limits.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { LogReads } from "./log-reads.ts";

/** From where a topic goes on for one connection. */
export interface Start {
  readonly from: TopicPosition;
  /** False where something was missed that cannot be replayed. */
  readonly recovered: boolean;
}

/** What the log says of a claim. */
export interface ClaimAnswers {
  wrote(topic: Topic, seq: number, epoch: Epoch): Promise<"yes" | "no" | "unknown">;
  /**
   * Whether the log holds all that the client may have; notes it as something that is here now
   * where it does.
   */
  reached(moment: Moment): Promise<boolean>;
  headAt(topic: Topic, stamp: Stamp): Promise<TopicPosition>;
  /** The oldest number that the log still keeps. */
  firstOf(topic: Topic): Promise<number>;
}

export interface ClaimsOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly reads: LogReads;
  readonly hub: Pick<Hub, "order" | "stamps">;
}

/** What the log said, and the place between two broadcasts at which it was asked. */
interface Answer<Value> {
  readonly value: Value;
  readonly asked: number;
}

/** The client that asks. */
interface Asking {
  readonly address: string;
  /** The broadcast at which its channel joined. */
  readonly joined: number;
}

/**
 * Answers that are a moment old at most, and asked once for all clients with the same claim. An
 * answer serves channels that joined before it was asked. A channel that joined later may have its
 * head from a restored log, and the answer is then of the life that the log has lost.
 */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #reached: Cache<Answer<boolean>>;
  readonly #wrote: Cache<Answer<Awaited<ReturnType<ClaimAnswers["wrote"]>>>>;
  readonly #heads: Cache<Answer<TopicPosition>>;
  readonly #firsts: Cache<Answer<number>>;
  /** Reads that wait or are under way: at which place each was asked. */
  readonly #asked = new Map<string, number>();

  constructor(options: ClaimsOptions) {
    const limits = { ageMs: CLAIM_CACHE_MS, entriesMax: CLAIMS_CACHED_MAX };
    this.#options = options;
    this.#reached = new Cache(options.clock, limits);
    this.#wrote = new Cache(options.clock, limits);
    this.#heads = new Cache(options.clock, limits);
    this.#firsts = new Cache(options.clock, limits);
  }

  /** For a client of this address: its questions wait behind those of its own address only. */
  of(address: string, { joinedOrder }: Pick<Channel, "joinedOrder">): ClaimAnswers {
    const { upstream, hub } = this.#options;
    const asking = { address, joined: joinedOrder };
    return {
      wrote: (topic, seq, epoch) =>
        this.#ask(asking, this.#wrote, `wrote ${topic} ${seq} ${epoch}`, () =>
          upstream.wrote(topic, seq, epoch),
        ),
      reached: async (moment) => {
        const { epoch, stamp } = moment;
        const reached = await this.#ask(asking, this.#reached, `reached ${epoch} ${stamp}`, () =>
          upstream.reached(moment),
        );
        // What this client has may be newer than anything here: ids of this frontend must say so.
        if (reached) hub.stamps.noteStored(epoch, stamp);
        return reached;
      },
      headAt: (topic, stamp) =>
        this.#ask(asking, this.#heads, `head ${topic} ${stamp}`, async () => {
          const { seq, epoch } = await upstream.headAt(topic, stamp);
          return { seq, epoch };
        }),
      firstOf: (topic) =>
        this.#ask(
          asking,
          this.#firsts,
          `first ${topic}`,
          async () => (await upstream.read(topic, 0, 1)).head.first,
        ),
    };
  }

  async #ask<Value>(
    { address, joined }: Asking,
    cache: Cache<Answer<Value>>,
    key: string,
    run: () => Promise<Value>,
  ): Promise<Value> {
    const known = cache.get(key);
    if (known !== undefined && known.asked >= joined) return known.value;
    const { hub, reads } = this.#options;
    const underWay = this.#asked.get(key);
    // A place of its own: a channel that joins from now on joins after it.
    const asked = underWay !== undefined && underWay >= joined ? underWay : ++hub.order;
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

/**
 * The position of one topic that the claim leads to; `undefined` where it says nothing of it,
 * `lost` where the client may have events that are not in the log any more.
 */
async function locate(
  channel: Channel,
  position: Position,
  frontend: FrontendId,
  upstream: ClaimAnswers,
): Promise<TopicPosition | "lost" | undefined> {
  const own = position.topics.get(channel.mark);
  if (own !== undefined) return own;
  if (position.point === undefined) return undefined;
  if (position.point.frontend === frontend) {
    const known = channel.positionAt(position.point.order);
    if (known !== undefined) return known;
  }
  for (const moment of reachOf(position.point))
    if (!(await upstream.reached(moment))) return "lost";
  return upstream.headAt(channel.topic, position.point.stamp);
}

/** Ids of earlier versions name no life. */
function reachOf({ reach = [], stamp }: BroadcastPoint): readonly Moment[] {
  return reach.length > 0 ? reach : [{ epoch: "", stamp }];
}

/** Whether the events after `claimed` can be replayed without a hole. */
async function holds(
  channel: Channel,
  claimed: TopicPosition,
  upstream: ClaimAnswers,
): Promise<boolean> {
  if (claimed.seq === channel.batched.seq) return claimed.epoch === channel.batched.epoch;
  const remembered =
    claimed.seq < channel.batched.seq ? channel.flow?.history?.matches(claimed) : undefined;
  if (remembered !== undefined) return remembered;
  if (claimed.seq === 0) return (await upstream.firstOf(channel.topic)) <= 1;
  return (await upstream.wrote(channel.topic, claimed.seq, claimed.epoch)) === "yes";
}

/** Whoever claims nothing goes on from where the topic is. */
export function startAtHead(channel: Channel): Start {
  return { from: channel.batched, recovered: true };
}

/**
 * Decides from where the topic goes on. The channel is joined. Where more than `eventsMax` were missed,
 * the log is not asked: they are not replayed.
 */
export async function startOf(
  channel: Channel,
  position: Position,
  frontend: FrontendId,
  upstream: ClaimAnswers,
  eventsMax: number,
): Promise<Start> {
  if (position.isForeign === true) return { from: channel.batched, recovered: false };
  const claimed = await locate(channel, position, frontend, upstream);
  if (claimed === "lost") return { from: channel.batched, recovered: false };
  // A topic that the position does not know is new to this client.
  if (claimed === undefined) return startAtHead(channel);
  const missed = channel.batched.seq - claimed.seq;
  if (missed <= eventsMax && (await holds(channel, claimed, upstream)))
    return { from: claimed, recovered: true };
  return { from: channel.batched, recovered: false };
}
