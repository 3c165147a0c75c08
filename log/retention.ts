/** What the policy lets a topic keep, as bounds that every form of the log applies alike. */

import { type Policy, policyOf, type Topic } from "@ovation/protocol";

/** One step of retention over the topics, in the order of their ids. */
export interface TrimStep {
  readonly policy: Policy;
  /** ms since 1970. */
  readonly now: number;
  /** Topics with a larger id are looked at. */
  readonly cursor: number;
  readonly topicsMax: number;
  /** Events that this step may drop. */
  readonly limit: number;
}

/** Events beyond the newest `eventsMax`, and those with a stamp below `stampMin`, go. */
export interface TopicExcess {
  readonly eventsMax: number;
  readonly stampMin: number;
}

/** The bounds for a topic, or undefined where it keeps everything: kinds that the policy no longer names lose nothing. */
export function excessOf(policy: Policy, topic: Topic, now: number): TopicExcess | undefined {
  const retention = policyOf(policy, topic)?.retention;
  if (retention?.eventsMax === undefined && retention?.ageMsMax === undefined) return undefined;
  return {
    eventsMax: retention.eventsMax ?? Number.MAX_SAFE_INTEGER,
    stampMin: retention.ageMsMax === undefined ? 0 : now - retention.ageMsMax,
  };
}
