/**
 * The checker: a pure function from a history to its violations. The promises are those of
 * `docs/guarantees.md`:
 *
 * durable lane
 * - the log is contiguous from 1, and has each acknowledged event once, at the number of the
 *   response
 * - the log has no event that was refused or never published
 * - an SDK viewer sees every number after its start once, in order, up to the head if it is present
 *   at the end
 * - a plain viewer sees the same; when it moves to another frontend, topics that its id does not
 *   name may go back by REPEATED_MS_MAX, and from there in order again (a new viewer: to before its
 *   start)
 * - what a viewer sees at a number is what the log has there
 * - an event that was sent after a subscription was active has a higher number than its head
 *
 * live lane (`live-checker.ts`), likes (`likes-checker.ts`), viewer counts
 * (`viewer-count-checker.ts`)
 */

import type { Entry, History, LoggedEvent, Publish, Viewer } from "../history/history.ts";
import { checkLikes, type LikeCounts } from "./likes-checker.ts";
import { checkLive, type LiveCounts } from "./live-checker.ts";
import { checkViewer, createRepeatTimes, REMOVED, type TopicLog } from "./sequence-checker.ts";
import { checkViewerCounts } from "./viewer-count-checker.ts";
import type { Report, Violation } from "./violation.ts";

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly durable: {
    readonly stored: number;
    readonly acknowledged: number;
    /** Deliveries to all viewers. */
    readonly delivered: number;
    /** Came again at plain viewers after a return: allowed. */
    readonly repeated: number;
  };
  readonly live: LiveCounts;
  readonly likes: LikeCounts;
}

export function check(history: History): Verdict {
  const violations: Violation[] = [];
  const report: Report = (kind, who, topic, detail) =>
    violations.push({ kind, who, topic, detail });
  const logs = new Map(
    [...history.log].map(([topic, events]) => [topic, checkLog(topic, events, report)]),
  );
  const acknowledged = checkPublishes(history, logs, report);
  const faults = createRepeatTimes(history.faults);
  const sent = readSent(history.publishes);
  const sentAt = readSentAt(history.publishes, logs);
  let delivered = 0;
  let repeated = 0;
  for (const viewer of history.viewers) {
    for (const topic of viewer.topics) {
      const log = logs.get(topic) ?? EMPTY;
      const own = { topic, log, sentAt: sentAt.get(topic) ?? NEVER_SENT };
      const seen = checkViewer(viewer, own, faults, report);
      delivered += seen.delivered;
      repeated += seen.repeated;
      checkStart(viewer, topic, sent.get(topic) ?? [], report);
    }
  }
  const live = checkLive(history, report);
  const stored = [...logs.values()].reduce((sum, log) => sum + log.head, 0);
  const likes = checkLikes(history, report);
  checkViewerCounts(history, report);
  return { violations, durable: { stored, acknowledged, delivered, repeated }, live, likes };
}

const EMPTY: TopicLog = { head: 0, bySeq: new Map(), byKey: new Map() };

function checkLog(topic: string, events: readonly LoggedEvent[], report: Report): TopicLog {
  const bySeq = new Map<number, LoggedEvent>();
  const byKey = new Map<string, number>();
  let next = 1;
  for (const event of events) {
    if (event.seq !== next)
      report("log-hole", "log", topic, `number ${event.seq} where ${next} was due`);
    next = event.seq + 1;
    bySeq.set(event.seq, event);
    if (event.key === undefined) continue;
    const earlier = byKey.get(event.key);
    if (earlier !== undefined)
      report("stored-twice", "log", topic, `${event.key} at ${earlier} and at ${event.seq}`);
    byKey.set(event.key, event.seq);
  }
  return { head: next - 1, bySeq, byKey };
}

/**
 * Compares the responses to publishers with the log. Returns the number of acknowledged durable
 * events.
 */
function checkPublishes(
  history: History,
  logs: ReadonlyMap<string, TopicLog>,
  report: Report,
): number {
  const acknowledgedAt = new Map<string, string>();
  const mayBeStored = new Set<string>();
  let acknowledged = 0;
  for (const { lane, publisher, topic, key, outcome } of history.publishes) {
    if (lane !== "durable") continue;
    if (outcome.kind !== "refused") mayBeStored.add(`${topic} ${key}`);
    if (outcome.kind !== "acknowledged") continue;
    acknowledged++;
    const log = logs.get(topic) ?? EMPTY;
    const place = `${topic} ${outcome.seq}`;
    const other = acknowledgedAt.get(place);
    if (other !== undefined)
      report(
        "acknowledged-same-place",
        publisher,
        topic,
        `${key} and ${other} are both acknowledged as ${outcome.seq}`,
      );
    acknowledgedAt.set(place, key);
    const seq = log.byKey.get(key);
    const stands = outcome.seq === undefined ? undefined : log.bySeq.get(outcome.seq);
    if (seq === undefined && stands !== undefined && REMOVED.test(stands.content)) continue;
    if (seq === undefined)
      report(
        "acknowledged-not-stored",
        publisher,
        topic,
        `${key} is acknowledged as ${outcome.seq}`,
      );
    else if (seq !== outcome.seq)
      report(
        "acknowledged-elsewhere",
        publisher,
        topic,
        `${key} is acknowledged as ${outcome.seq} and is at ${seq}`,
      );
  }
  for (const [topic, log] of logs) {
    for (const [key, seq] of log.byKey) {
      if (!mayBeStored.has(`${topic} ${key}`))
        report("not-published", "log", topic, `${key} at ${seq} was refused, or never published`);
    }
  }
  return acknowledged;
}

const NEVER_SENT: ReadonlyMap<number, number> = new Map();

/** By topic and number: when the event was sent, before any viewer could see it. */
function readSentAt(
  publishes: readonly Publish[],
  logs: ReadonlyMap<string, TopicLog>,
): ReadonlyMap<string, ReadonlyMap<number, number>> {
  const byTopic = new Map<string, Map<number, number>>();
  for (const { lane, topic, key, sentAt, outcome } of publishes) {
    if (lane !== "durable") continue;
    const seq =
      (outcome.kind === "acknowledged" ? outcome.seq : undefined) ??
      logs.get(topic)?.byKey.get(key);
    if (seq === undefined) continue;
    const times = byTopic.get(topic) ?? new Map<number, number>();
    byTopic.set(topic, times);
    times.set(seq, sentAt);
  }
  return byTopic;
}

/** An acknowledged durable event, with the lowest number of those sent with or after it. */
interface SentDurable {
  readonly key: string;
  readonly seq: number;
  readonly sentAt: number;
  lowest: SentDurable | undefined;
}

/** By topic, in the order in which they were sent. */
function readSent(publishes: readonly Publish[]): ReadonlyMap<string, readonly SentDurable[]> {
  const byTopic = new Map<string, SentDurable[]>();
  for (const { lane, topic, sentAt, key, outcome } of publishes) {
    if (lane !== "durable" || outcome.kind !== "acknowledged" || outcome.seq === undefined)
      continue;
    const sent = byTopic.get(topic) ?? [];
    byTopic.set(topic, sent);
    sent.push({ key, seq: outcome.seq, sentAt, lowest: undefined });
  }
  for (const sent of byTopic.values()) {
    sent.sort((left, right) => left.sentAt - right.sentAt);
    let lowest: SentDurable | undefined;
    for (const one of sent.toReversed()) {
      if (lowest === undefined || one.seq < lowest.seq) lowest = one;
      one.lowest = lowest;
    }
  }
  return byTopic;
}

/** An active subscription gets every later event: it must not begin after one sent later. */
function checkStart(
  viewer: Viewer,
  topic: string,
  sent: readonly SentDurable[],
  report: Report,
): void {
  const start = startOf(viewer, topic);
  if (start === undefined) return;
  const later = sent[firstAfter(sent, start.at)]?.lowest;
  if (later === undefined || later.seq > start.head) return;
  const detail = `${later.key} was sent after the subscription and is at ${later.seq}`;
  report("subscribed-late", viewer.name, topic, `${detail}, not after ${start.head}`);
}

/** The index of the first event that was sent after `at`. */
function firstAfter(sent: readonly SentDurable[], at: number): number {
  let low = 0;
  let high = sent.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sent[middle]?.sentAt ?? Number.POSITIVE_INFINITY) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

type Start = Extract<Entry, { readonly kind: "subscribed" }>;

function startOf({ entries }: Viewer, topic: string): Start | undefined {
  for (const entry of entries)
    if (entry.kind === "subscribed" && entry.topic === topic) return entry;
  return undefined;
}
