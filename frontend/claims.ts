/**
 * Claims: what a returning client says it has, per topic, and what may be believed of it. A position
 * is a claim, not a fact: it is compared with what this frontend broadcast or what the log wrote.
 */

import type { Clock, FrontendId, Position, TopicPosition } from "@ovation/protocol";
import type { Channel } from "./channel.ts";
import { CLAIM_CACHE_MS, CLAIMS_CACHED_MAX } from "./limits.ts";
import { Recent } from "./recent.ts";
import type { EventPage, TopicHead, Upstream } from "./upstream.ts";

/** From where a topic goes on for one connection. */
export interface Start {
  readonly from: TopicPosition;
  /** False where something was missed that cannot be replayed. */
  readonly recovered: boolean;
}

/** What the log says of a claim: a moment old at most, and asked once for all who come with the same one. */
export type ClaimAnswers = Pick<Upstream, "wrote" | "headAt" | "read">;

export function shareClaims(upstream: ClaimAnswers, clock: Clock): ClaimAnswers {
  const wrote = new Recent<Awaited<ReturnType<Upstream["wrote"]>>>(
    clock,
    CLAIM_CACHE_MS,
    CLAIMS_CACHED_MAX,
  );
  const heads = new Recent<TopicHead>(clock, CLAIM_CACHE_MS, CLAIMS_CACHED_MAX);
  const pages = new Recent<EventPage>(clock, CLAIM_CACHE_MS, CLAIMS_CACHED_MAX);
  return {
    wrote: (topic, seq, epoch) =>
      wrote.get(`${topic} ${seq} ${epoch}`, () => upstream.wrote(topic, seq, epoch)),
    headAt: (topic, stamp) => heads.get(`${topic} ${stamp}`, () => upstream.headAt(topic, stamp)),
    read: (topic, after, limit) =>
      pages.get(`${topic} ${after} ${limit}`, () => upstream.read(topic, after, limit)),
  };
}

/** The position of one topic that the claim leads to; `undefined` where it says nothing of it. */
async function locate(
  channel: Channel,
  position: Position,
  frontend: FrontendId,
  upstream: ClaimAnswers,
): Promise<TopicPosition | undefined> {
  const own = position.topics.get(channel.mark);
  if (own !== undefined) return own;
  if (position.point === undefined) return undefined;
  if (position.point.frontend === frontend) {
    const known = channel.positionAt(position.point.order);
    if (known !== undefined) return known;
  }
  const head = await upstream.headAt(channel.topic, position.point.stamp);
  return { seq: head.seq, epoch: head.epoch };
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
  if (claimed.seq === 0) {
    const page = await upstream.read(channel.topic, 0, 1);
    return page.head.first <= 1;
  }
  return (await upstream.wrote(channel.topic, claimed.seq, claimed.epoch)) === "yes";
}

/** Whoever claims nothing goes on from where the topic is. */
export function startAtHead(channel: Channel): Start {
  return { from: channel.batched, recovered: true };
}

/** Decides from where the topic goes on. The channel is joined. */
export async function startOf(
  channel: Channel,
  position: Position,
  frontend: FrontendId,
  upstream: ClaimAnswers,
): Promise<Start> {
  if (position.isForeign === true) return { from: channel.batched, recovered: false };
  const claimed = await locate(channel, position, frontend, upstream);
  // A topic that the position does not know is new to this client.
  if (claimed === undefined) return startAtHead(channel);
  if (await holds(channel, claimed, upstream)) return { from: claimed, recovered: true };
  return { from: channel.batched, recovered: false };
}
