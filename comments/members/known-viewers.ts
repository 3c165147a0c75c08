/**
 * How many watch each video, also while that cannot be asked: where no dispatcher answers, or the
 * store of their counts is away, the last number stands. A page that showed 0 would be wrong for
 * every video; one that shows the number of a moment ago is nearly right.
 */

import { Cache, type Clock, type Topic } from "@ovation/protocol";
import { KNOWN_VIEWERS_AGE_MS, KNOWN_VIEWERS_MAX } from "../limits.ts";

export interface KnownViewersOptions {
  /** Viewers now; a topic whose number is not known now is absent. */
  ask(topics: readonly Topic[]): Promise<ReadonlyMap<Topic, number>>;
  readonly clock: Clock;
  onFailure(error: unknown): void;
}

/** Never rejects: a video of which nothing is known has 0. */
export function createKnownViewers({
  ask,
  clock,
  onFailure,
}: KnownViewersOptions): KnownViewersOptions["ask"] {
  const known = new Cache<number>(clock, {
    ageMs: KNOWN_VIEWERS_AGE_MS,
    entriesMax: KNOWN_VIEWERS_MAX,
  });
  return async (topics) => {
    try {
      for (const [topic, count] of await ask(topics)) {
        if (count > 0) known.set(topic, count);
        else known.delete(topic);
      }
    } catch (error) {
      onFailure(error);
    }
    return new Map(topics.map((topic) => [topic, known.get(topic) ?? 0]));
  };
}
