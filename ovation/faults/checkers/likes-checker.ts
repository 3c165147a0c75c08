/**
 * The promises about likes:
 *
 * - the total at the end is what was accepted, and all processes agree; a request without a
 *   response may have been counted, or not
 * - a killed process loses at most the likes that it accepted in its last two seconds of accepting;
 *   a stopped one reports how many
 * - a total never falls: on a connection, and with the SDK over all connections
 * - no viewer receives a total above the number of likes that were sent
 */

import type { History, Like, Viewer } from "../history/history.ts";
import { isDiskFault } from "../injectors/disk-fault-kinds.ts";
import type { Report } from "./violation.ts";

export interface LikeCounts {
  readonly accepted: number;
  readonly unknown: number;
  readonly stored: number;
  /** Lost by processes that were killed, or that reported it at their stop. */
  readonly lostInFaults: number;
}

/**
 * LIKES_UNSTORED_MS_MAX of `comments/limits.ts`, and how much longer an accepted request may take
 * from there to its answer here.
 */
const UNSTORED_MS_MAX = 2000;
const ANSWER_MS_MAX = 1000;

export function checkLikes(history: History, report: Report): LikeCounts {
  const { likes, lostAtStop, atEnd } = history;
  const topics = [...new Set([...likes.map(({ topic }) => topic), ...atEnd.map(of)])];
  const counts = { accepted: 0, unknown: 0, stored: 0, lostInFaults: 0 };
  const reportedLost = lostAtStop.reduce((all, lost) => all + lost.likes, 0);
  let mayBeLostInAll = reportedLost;
  for (const topic of topics) {
    const own = likes.filter((like) => like.topic === topic);
    const accepted = sumOf(own.filter(({ outcome }) => outcome === "acknowledged"));
    const unknown = sumOf(own.filter(({ outcome }) => outcome === "unknown"));
    const mayBeLost = lostByKills(history, topic);
    const reported = atEnd.filter((one) => one.topic === topic);
    const [first] = reported;
    for (const one of reported) {
      const detail = `${one.likes} likes of ${accepted} accepted and ${unknown} without an answer`;
      if (one.likes > accepted + unknown) report("likes-over", one.process, topic, detail);
      if (one.likes < accepted - mayBeLost - reportedLost) {
        const excuses = `kills may have lost ${mayBeLost}, stops reported ${reportedLost}`;
        report("likes-lost", one.process, topic, `${detail}; ${excuses}`);
      }
      if (first !== undefined && one.likes !== first.likes) {
        const both = `${one.likes}, and ${first.process} says ${first.likes}`;
        report("likes-disagree", one.process, topic, both);
      }
    }
    mayBeLostInAll += mayBeLost;
    counts.accepted += accepted;
    counts.unknown += unknown;
    counts.stored += first?.likes ?? accepted;
    counts.lostInFaults += Math.max(0, accepted - (first?.likes ?? accepted));
  }
  if (counts.lostInFaults > mayBeLostInAll)
    report(
      ...(["likes-lost", "all processes", "all topics"] as const),
      `${counts.lostInFaults} in all, of which kills and stops explain ${mayBeLostInAll}`,
    );
  checkTotals(history, report);
  return counts;
}

/**
 * What kills may have cost a topic. Flushes are in order, so what is not stored when a process is
 * killed is the newest that it accepted, and all of it was accepted within UNSTORED_MS_MAX.
 */
function lostByKills({ likes, faults }: History, topic: string): number {
  let lost = 0;
  const before = new Map<string, number>();
  const kills = faults.filter(({ kind }) => kind.startsWith("kill -9") || isDiskFault(kind));
  for (const { target, from } of kills.sort((left, right) => left.from - right.from)) {
    const since = before.get(target) ?? -1;
    before.set(target, from);
    const own = likes.filter(
      (like) =>
        like.process === target &&
        like.outcome === "acknowledged" &&
        like.sentAt <= from &&
        like.endedAt > since,
    );
    const newest = own.reduce((last, { endedAt }) => Math.max(last, endedAt), 0);
    const oldest = newest - UNSTORED_MS_MAX - ANSWER_MS_MAX;
    lost += sumOf(own.filter((like) => like.topic === topic && like.endedAt >= oldest));
  }
  return lost;
}

function checkTotals(history: History, report: Report): void {
  const sent = readSent(history.likes);
  for (const viewer of history.viewers)
    for (const topic of viewer.topics) checkTotalsAt(viewer, topic, sent.get(topic), report);
}

function checkTotalsAt(
  { name, form, entries }: Viewer,
  topic: string,
  sent: readonly SentUntil[] | undefined,
  report: Report,
): void {
  let highest = 0;
  for (const entry of entries) {
    // A page that keeps the larger of two is right; on one connection it must not have to.
    if (entry.kind === "connected" && form === "plain") highest = 0;
    if (entry.kind !== "total" || entry.topic !== topic) continue;
    const detail = `${entry.likes} at ${entry.at} ms`;
    if (entry.likes < highest) report("total-fell", name, topic, `${detail}, after ${highest}`);
    highest = Math.max(highest, entry.likes);
    const possible = sentUntil(sent ?? [], entry.at);
    if (entry.likes > possible)
      report("likes-over", name, topic, `${detail}, when ${possible} had been sent`);
  }
}

interface SentUntil {
  readonly at: number;
  readonly likes: number;
}

/** By topic, ascending: how many likes had been sent by then that may count. */
function readSent(likes: readonly Like[]): ReadonlyMap<string, readonly SentUntil[]> {
  const sent = new Map<string, SentUntil[]>();
  for (const like of [...likes].sort((left, right) => left.sentAt - right.sentAt)) {
    if (like.outcome === "refused") continue;
    const own = sent.get(like.topic) ?? [];
    sent.set(like.topic, own);
    own.push({ at: like.sentAt, likes: (own.at(-1)?.likes ?? 0) + like.count });
  }
  return sent;
}

function sentUntil(sent: readonly SentUntil[], at: number): number {
  let low = 0;
  let high = sent.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sent[middle]?.at ?? Number.POSITIVE_INFINITY) <= at) low = middle + 1;
    else high = middle;
  }
  return sent[low - 1]?.likes ?? 0;
}

function sumOf(likes: readonly Like[]): number {
  return likes.reduce((sum, { count }) => sum + count, 0);
}

function of({ topic }: { readonly topic: string }): string {
  return topic;
}
