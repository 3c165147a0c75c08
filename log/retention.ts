/** What the policy lets a topic keep, as bounds that every form of the log applies alike. */

import { type Policy, policyOf, type Topic, topicOf } from "@ovation/protocol";
import { TRIM_EVENTS_MAX } from "./limits.ts";

/** One step of retention over the topics, in the order of their ids. */
export interface TrimStep {
  readonly policy: Policy;
  /** ms since 1970. */
  readonly now: number;
  /** Topics with a larger id are looked at … */
  readonly cursor: number;
  /** … and with this id at most. */
  readonly last: number;
  readonly topicsMax: number;
  /** Events that this step may drop. */
  readonly limit: number;
}

/** What a step did: how much it dropped, and the id of the last topic that it looked at. */
export interface TrimmedStep {
  readonly dropped: number;
  /** Absent where no topic is left in the step's range. */
  readonly cursor?: number | undefined;
}

/**
 * A look at every topic, from the one after the last call's on and around: topics that never stop
 * growing do not keep the others waiting.
 */
export class TrimRound {
  #cursor = 0;

  /** Runs `step` until every topic was looked at or `limit` events went. */
  async run(
    limit: number,
    step: (range: Pick<TrimStep, "cursor" | "last" | "limit">) => Promise<TrimmedStep>,
  ): Promise<number> {
    const start = this.#cursor;
    let dropped = 0;
    for (const [first, last] of [
      [start, Number.MAX_SAFE_INTEGER],
      [0, start],
    ] as const) {
      let cursor: number | undefined = first;
      while (cursor !== undefined && cursor < last) {
        const most = Math.min(limit - dropped, TRIM_EVENTS_MAX);
        const done: TrimmedStep = await step({ cursor, last, limit: most });
        dropped += done.dropped;
        cursor = done.cursor;
        if (dropped >= limit) {
          this.#cursor = cursor ?? 0;
          return dropped;
        }
      }
    }
    return dropped;
  }
}

/** Events beyond the newest `eventsMax`, and those with a stamp below `stampMin`, go. */
export interface TopicExcess {
  readonly eventsMax: number;
  readonly stampMin: number;
}

/**
 * The bounds for a topic, or undefined where it keeps everything: kinds that the policy no longer
 * names lose nothing.
 */
export function excessOf(policy: Policy, topic: Topic, now: number): TopicExcess | undefined {
  const retention = policyOf(policy, topic)?.retention;
  if (retention?.eventsMax === undefined && retention?.ageMsMax === undefined) return undefined;
  return {
    eventsMax: retention.eventsMax ?? Number.MAX_SAFE_INTEGER,
    stampMin: retention.ageMsMax === undefined ? 0 : now - retention.ageMsMax,
  };
}

/** The bounds of every kind that has some, for a form of the log that finds excess by itself. */
export function excessOfKinds(
  policy: Policy,
  now: number,
): readonly (TopicExcess & { readonly kind: string })[] {
  return Object.keys(policy).flatMap((kind) => {
    const excess = excessOf(policy, topicOf(kind, "any"), now);
    return excess === undefined ? [] : [{ kind, ...excess }];
  });
}
