/** Merging within one batch of events: see protocol/events/merge.ts. */

import { type Event, type MergeRules, mergeEvents, mergeKeyOf } from "@ovation/protocol";

/** The batch with mergeable events of one topic and key as one, at the place of the first. */
export function mergeBatch(events: readonly Event[], rules: MergeRules): readonly Event[] {
  if (events.length < 2) return events;
  const places = new Map<string, number>();
  const merged: Event[] = [];
  for (const event of events) {
    const type = rules(event);
    const key = type === undefined ? undefined : mergeKeyOf(event, type);
    if (type === undefined || key === undefined) {
      merged.push(event);
      continue;
    }
    const name = `${event.topic} ${key}`;
    const place = places.get(name);
    const earlier = place === undefined ? undefined : merged[place];
    if (place === undefined || earlier === undefined) {
      places.set(name, merged.length);
      merged.push(event);
    } else {
      merged[place] = mergeEvents(earlier, event, type);
    }
  }
  return merged;
}
