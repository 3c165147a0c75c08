/** All events of some topics, as the log has them. */

import type { Log } from "@ovation/log";
import type { Json, Topic } from "@ovation/protocol";
import { contentOf, keyOf, type LoggedEvent } from "./history.ts";

const PAGE_EVENTS = 1000;

export async function readWholeLog(
  log: Log,
  topics: readonly Topic[],
): Promise<ReadonlyMap<string, readonly LoggedEvent[]>> {
  const whole = new Map<string, readonly LoggedEvent[]>();
  for (const topic of topics) {
    const events: LoggedEvent[] = [];
    for (let after = 0; ; ) {
      const page = await log.read(topic, { after, limit: PAGE_EVENTS });
      for (const { place, type, data } of page.events) {
        const value = JSON.parse(data) as Json;
        events.push({ seq: place.seq, key: keyOf(value), content: contentOf(type, value) });
      }
      const last = events.at(-1);
      if (last === undefined || last.seq === after) break;
      after = last.seq;
    }
    whole.set(topic, events);
  }
  return whole;
}
