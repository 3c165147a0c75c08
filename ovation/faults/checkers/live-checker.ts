/**
 * The live lane's promise: at most once at a viewer, whatever the fault and wherever the viewer
 * moves; in order per publisher; and never lost in silence.
 *
 * The lane loses what was in flight in a killed process or on a cut link. So a loss or an overtaken
 * event is *explained* by a fault around that time, by a disconnected viewer or by a `gap`. A loss
 * on a whole system is a violation, and so is any event that is delivered twice.
 */

import type { History, Viewer } from "../history/history.ts";
import { createFaultTimes, type FaultTimes } from "./fault-times.ts";

export interface LiveCounts {
  readonly published: number;
  readonly delivered: number;
  /** The viewer was not connected. */
  readonly away: number;
  /** Something was broken around that time. */
  readonly lostInFaults: number;
  /** Told by `gap` events. */
  readonly announced: number;
  /** Overtaken around the time of a fault. */
  readonly disorderedInFaults: number;
}

type Report = (
  kind: "live-duplicate" | "live-disorder" | "live-lost" | "live-phantom",
  who: string,
  topic: string,
  detail: string,
) => void;

/** How long the effects of a fault may last after its end: leases, reconnects, full buffers. */
const AFTER_FAULT_MS = 8000;
/** How long a live event may be in flight. */
const IN_FLIGHT_MS = 2000;

interface Sent {
  readonly key: string;
  readonly publisher: string;
  readonly number: number;
  readonly sentAt: number;
  readonly endedAt: number;
  readonly isKnown: boolean;
}

/** What was published to one topic. */
interface Published {
  readonly byKey: ReadonlyMap<string, Sent>;
  /** Those that were acknowledged, the first sent first. */
  readonly known: readonly Sent[];
}

const NOTHING: Published = { byKey: new Map(), known: [] };

type Counts = { -readonly [Key in keyof LiveCounts]: number };

export function checkLive(history: History, report: Report): LiveCounts {
  const counts: Counts = {
    published: 0,
    delivered: 0,
    away: 0,
    lostInFaults: 0,
    announced: 0,
    disorderedInFaults: 0,
  };
  const byTopic = readPublished(history);
  for (const { known } of byTopic.values()) counts.published += known.length;
  const faults = createFaultTimes(history.faults, {
    beforeMs: IN_FLIGHT_MS,
    afterMs: AFTER_FAULT_MS,
  });
  for (const viewer of history.viewers) {
    for (const topic of viewer.topics)
      checkViewer(viewer, topic, byTopic.get(topic) ?? NOTHING, faults, counts, report);
  }
  return counts;
}

function readPublished(history: History): ReadonlyMap<string, Published> {
  const byTopic = new Map<string, Map<string, Sent>>();
  for (const {
    lane,
    topic,
    key,
    publisher,
    number,
    sentAt,
    endedAt,
    outcome,
  } of history.publishes) {
    if (lane !== "live" || outcome.kind === "refused") continue;
    const sent = byTopic.get(topic) ?? new Map<string, Sent>();
    byTopic.set(topic, sent);
    sent.set(key, {
      key,
      publisher,
      number,
      sentAt,
      endedAt,
      isKnown: outcome.kind === "acknowledged",
    });
  }
  return new Map(
    [...byTopic].map(([topic, byKey]) => {
      const known = [...byKey.values()]
        .filter(({ isKnown }) => isKnown)
        .sort((left, right) => left.sentAt - right.sentAt);
      return [topic, { byKey, known }];
    }),
  );
}

function checkViewer(
  viewer: Viewer,
  topic: string,
  published: Published,
  faults: FaultTimes,
  counts: Counts,
  report: Report,
): void {
  const seen = new Set<string>();
  const newest = new Map<string, Sent>();
  let announced = 0;
  for (const entry of viewer.entries) {
    if (entry.kind === "gap" && entry.topic === topic) announced += entry.lost;
    if (
      entry.kind !== "event" ||
      entry.topic !== topic ||
      entry.seq !== undefined ||
      entry.key === undefined
    )
      continue;
    const sent = published.byKey.get(entry.key);
    if (sent === undefined) {
      report("live-phantom", viewer.name, topic, `${entry.key} was never published`);
      continue;
    }
    counts.delivered++;
    if (seen.has(entry.key)) {
      report("live-duplicate", viewer.name, topic, `${entry.key} again at ${entry.at} ms`);
      continue;
    }
    seen.add(entry.key);
    const before = newest.get(sent.publisher);
    if (before !== undefined && before.number > sent.number) {
      if (faults.touch(sent.sentAt, entry.at)) counts.disorderedInFaults++;
      else
        report(
          "live-disorder",
          viewer.name,
          topic,
          `${entry.key} after number ${before.number} of ${sent.publisher}`,
        );
    } else newest.set(sent.publisher, sent);
  }
  const { known } = published;
  let seenThere = 0;
  let there = 0;
  // Only what was sent while the viewer was there is looked at: most viewers of a long run pass by.
  for (const { from, to } of presences(viewer, topic)) {
    for (let index = firstSentAt(known, from); index < known.length; index++) {
      const sent = known[index];
      if (sent === undefined || sent.sentAt > to) break;
      if (sent.endedAt + IN_FLIGHT_MS > to) continue;
      there++;
      if (seen.has(sent.key)) seenThere++;
      else if (faults.touch(sent.sentAt, sent.endedAt)) counts.lostInFaults++;
      else if (announced > 0) {
        announced--;
        counts.announced++;
      } else report("live-lost", viewer.name, topic, `${sent.key}, sent at ${sent.sentAt} ms`);
    }
  }
  let seenKnown = 0;
  for (const key of seen) if (published.byKey.get(key)?.isKnown === true) seenKnown++;
  counts.away += known.length - there - (seenKnown - seenThere);
}

/** When the viewer was subscribed, and connected without a break. */
function presences(
  { entries }: Viewer,
  topic: string,
): readonly { readonly from: number; readonly to: number }[] {
  const times: { from: number; to: number }[] = [];
  let isSubscribed = false;
  let isConnected = false;
  let since: number | undefined;
  for (const entry of entries) {
    if (entry.kind === "subscribed" && entry.topic === topic) isSubscribed = true;
    else if (entry.kind === "connected") isConnected = true;
    else if (entry.kind === "disconnected") isConnected = false;
    else continue;
    if (isSubscribed && isConnected) since ??= entry.at;
    else if (since !== undefined) {
      times.push({ from: since, to: entry.at });
      since = undefined;
    }
  }
  if (since !== undefined) times.push({ from: since, to: Number.POSITIVE_INFINITY });
  return times;
}

/** The index of the first that was sent not before `at`. */
function firstSentAt(sent: readonly Sent[], at: number): number {
  let low = 0;
  let high = sent.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sent[middle]?.sentAt ?? Number.POSITIVE_INFINITY) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
