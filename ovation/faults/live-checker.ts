/**
 * The live lane's promise: at most once on a connection, in order per publisher, and never lost in silence.
 *
 * What a process had in its hands when it was killed is lost, and so is what was under way on a cut link:
 * that is what the lane gives up for speed. So a loss, or an event that was overtaken, counts as
 * *explained* where something was broken around that time, where the viewer was away, or where it was
 * told so by a `gap`. A loss on a whole system is a violation, and so is any event that comes twice.
 */

import type { History, Injected, Viewer } from "./history.ts";

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
  /** Seen before, at a frontend that the viewer had left since: that of a fault was behind. */
  readonly againAfterReturn: number;
  /** Forwarded twice to a data centre whose store forgot in between that it had been taken. */
  readonly againAfterForgetting: number;
}

type Report = (kind: "live-duplicate" | "live-disorder" | "live-lost" | "live-phantom", who: string, topic: string, detail: string) => void;

/** How long the effects of a fault may last after it was mended: leases, reconnects, what waited in buffers. */
const AFTER_FAULT_MS = 8000;
/** How long a live event may be under way. */
const UNDER_WAY_MS = 2000;

/** Whether something lies in a time, ms. */
type IsWithin = (from: number, to: number) => boolean;

interface Sent {
  readonly publisher: string;
  readonly number: number;
  readonly sentAt: number;
  readonly endedAt: number;
  readonly isKnown: boolean;
}

export function checkLive(history: History, report: Report): LiveCounts {
  const counts = {
    published: 0,
    delivered: 0,
    away: 0,
    lostInFaults: 0,
    announced: 0,
    disorderedInFaults: 0,
    againAfterReturn: 0,
    againAfterForgetting: 0,
  };
  const byTopic = new Map<string, Map<string, Sent>>();
  for (const { lane, topic, key, publisher, number, sentAt, endedAt, outcome } of history.publishes) {
    if (lane !== "live" || outcome.kind === "refused") continue;
    const isKnown = outcome.kind === "acknowledged";
    if (isKnown) counts.published++;
    const sent = byTopic.get(topic) ?? new Map<string, Sent>();
    byTopic.set(topic, sent);
    sent.set(key, { publisher, number, sentAt, endedAt, isKnown });
  }
  const isFaulty = createFaultTimes(history.faults);
  const isForgetful = createFaultTimes(history.faults.filter(({ emptiesStore }) => emptiesStore));
  for (const viewer of history.viewers) {
    for (const topic of viewer.topics)
      checkViewer(viewer, topic, byTopic.get(topic) ?? new Map(), { isFaulty, isForgetful }, counts, report);
  }
  return counts;
}

function checkViewer(
  viewer: Viewer,
  topic: string,
  published: ReadonlyMap<string, Sent>,
  { isFaulty, isForgetful }: { readonly isFaulty: IsWithin; readonly isForgetful: IsWithin },
  counts: { -readonly [Key in keyof LiveCounts]: number },
  report: Report,
): void {
  /** With the connection that it was seen on. */
  const seen = new Map<string, number>();
  let connection = 0;
  const newest = new Map<string, Sent>();
  let announced = 0;
  for (const entry of viewer.entries) {
    if (entry.kind === "connected") connection++;
    if (entry.kind === "gap" && entry.topic === topic) announced += entry.lost;
    if (entry.kind !== "event" || entry.topic !== topic || entry.seq !== undefined || entry.key === undefined) continue;
    const sent = published.get(entry.key);
    if (sent === undefined) {
      report("live-phantom", viewer.name, topic, `${entry.key} was never published`);
      continue;
    }
    counts.delivered++;
    const seenOn = seen.get(entry.key);
    seen.set(entry.key, connection);
    if (seenOn !== undefined) {
      // A frontend that stood still tells a viewer who came to it meanwhile what another one told before.
      if (seenOn < connection && isFaulty(sent.sentAt, entry.at)) counts.againAfterReturn++;
      else if (isForgetful(sent.sentAt, entry.at)) counts.againAfterForgetting++;
      else report("live-duplicate", viewer.name, topic, `${entry.key} again at ${entry.at} ms`);
      continue;
    }
    const before = newest.get(sent.publisher);
    if (before !== undefined && before.number > sent.number) {
      if (isFaulty(sent.sentAt, entry.at)) counts.disorderedInFaults++;
      else report("live-disorder", viewer.name, topic, `${entry.key} after number ${before.number} of ${sent.publisher}`);
    } else newest.set(sent.publisher, sent);
  }
  const isThere = createPresence(viewer, topic);
  for (const [key, sent] of published) {
    if (!sent.isKnown || seen.has(key)) continue;
    if (!isThere(sent.sentAt, sent.endedAt + UNDER_WAY_MS)) counts.away++;
    else if (isFaulty(sent.sentAt, sent.endedAt)) counts.lostInFaults++;
    else if (announced > 0) {
      announced--;
      counts.announced++;
    } else report("live-lost", viewer.name, topic, `${key}, sent at ${sent.sentAt} ms`);
  }
}

/** Whether the viewer was subscribed, and connected without a break, in all of a time. */
function createPresence({ entries }: Viewer, topic: string): IsWithin {
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
  return (from, to) => times.some((time) => time.from <= from && to <= time.to);
}

function createFaultTimes(faults: readonly Injected[]): IsWithin {
  return (from, to) => faults.some((fault) => fault.from - UNDER_WAY_MS <= to && from <= fault.to + AFTER_FAULT_MS);
}
