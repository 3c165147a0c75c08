/** The calls of backends (the comments service) on dispatchers; any dispatcher serves them. */

import type { Event, Topic } from "@ovation/protocol";

export interface PublisherApi {
  /**
   * Rejects with `unavailable` where no dispatcher takes the events: then nothing live was sent.
   * Live events of a call that got no response may have been sent: they are counted, not retried.
   */
  publish(events: readonly Event[]): Promise<unknown>;
  /** The number of viewers by topic. A topic whose number is unknown is absent. */
  viewers(topics: readonly Topic[]): Promise<ReadonlyMap<Topic, number>>;
}
