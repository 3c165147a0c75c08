/**
 * The promises about the number of viewers, in a topic with a known number of viewers that stay:
 *
 * - no viewer is counted twice, whatever dies; only where a frontend was killed while a dispatcher
 *   of its data centre was dead as well, until the frontend's lease has ended
 * - after the last fault, every viewer and every process has the right number
 *
 * A viewer that moves is in the last report of one frontend and in the first of another: a number
 * may be too high until reports are replaced (COUNTED_TWICE_MS_MAX). It may also be too high while
 * a frontend cannot report that a viewer left: it is paused, or cut off from the store.
 */

import type { History, Injected, SeenViewers, Viewer } from "../history/history.ts";
import { createFaultTimes } from "./fault-times.ts";
import type { Report } from "./violation.ts";

const COUNTED_TWICE_MS_MAX = 2500;
/** After the kill of a frontend that no dispatcher may have noticed. */
const RIGHT_AGAIN_MS_MAX = 10_000;
/** A restarted dispatcher has its links to frontends after this long. */
const LINKED_AFTER_MS = 2000;
/** Until a frontend has reported what it could not report before. */
const REPORTED_AFTER_MS = 10_000;
/** Faults in which a frontend cannot report that a viewer left: it is paused or unreachable. */
const EXCUSES =
  /^(pause|redis paused|clock|wire (frontend to dispatcher|dispatcher to frontend|to redis) (s|h))/;

export function checkViewerCounts(history: History, report: Report): void {
  const { counted, viewers, atEnd } = history;
  if (counted === undefined) return;
  const excuses = createFaultTimes(
    history.faults.filter(({ kind }) => EXCUSES.test(kind)),
    { beforeMs: 0, afterMs: REPORTED_AFTER_MS },
  );
  for (const viewer of viewers) {
    if (!viewer.topics.includes(counted.topic)) continue;
    const counts = readCounts(viewer, counted.topic);
    for (const { from, to, most } of tooMany(counts, counted.viewers)) {
      if (to - from <= COUNTED_TWICE_MS_MAX || isLeased(history, from, to)) continue;
      if (excuses.touch(from, from + COUNTED_TWICE_MS_MAX)) continue;
      report(
        ...(["counted-twice", viewer.name, counted.topic] as const),
        `${most} viewers of ${counted.viewers}, from ${from} to ${to} ms${after(history, from)}`,
      );
    }
    const last = counts.at(-1);
    if (viewer.presentAtEnd && last !== undefined && last.viewers !== counted.viewers)
      report(
        ...(["count-wrong", viewer.name, counted.topic] as const),
        `${last.viewers} of ${counted.viewers}, since ${last.at} ms`,
      );
  }
  for (const reported of atEnd)
    if (reported.topic === counted.topic && reported.viewers !== counted.viewers)
      report(
        ...(["count-wrong", reported.process, counted.topic] as const),
        `${reported.viewers} of ${counted.viewers} at the end`,
      );
}

/** Whether a dead frontend may be counted until its lease ends: no dispatcher noticed its death. */
function isLeased({ faults }: History, from: number, to: number): boolean {
  return faults.some(
    (fault) =>
      fault.kind === "kill -9 frontend" &&
      fault.from <= from &&
      to <= fault.from + RIGHT_AGAIN_MS_MAX &&
      faults.some((other) => isDeadDispatcherBeside(other, fault)),
  );
}

function isDeadDispatcherBeside({ kind, target, from, to }: Injected, frontend: Injected): boolean {
  return (
    kind === "kill -9 dispatcher" &&
    datacenterOf(target) === datacenterOf(frontend.target) &&
    from - COUNTED_TWICE_MS_MAX <= frontend.from &&
    frontend.from <= to + LINKED_AFTER_MS
  );
}

function datacenterOf(target: string): string {
  return target.slice(0, target.indexOf("/"));
}

/** The faults shortly before. */
function after({ faults }: History, at: number): string {
  const near = faults.filter(({ from, to }) => from <= at && to >= at - REPORTED_AFTER_MS);
  const names = near.map(({ kind, target, from }) => `${kind} ${target} at ${from}`);
  return names.length === 0 ? "" : `, after ${names.join(", ")}`;
}

/** A number counts until the next one, or until the connection ends. */
interface ViewerCount extends Pick<SeenViewers, "viewers" | "at"> {
  until: number;
}

function readCounts({ entries }: Viewer, topic: string): readonly ViewerCount[] {
  const counts: ViewerCount[] = [];
  for (const entry of entries) {
    const isCount = entry.kind === "viewers" && entry.topic === topic;
    const last = counts.at(-1);
    if (last !== undefined && (isCount || entry.kind === "disconnected"))
      last.until = Math.min(last.until, entry.at);
    if (isCount)
      counts.push({ viewers: entry.viewers, at: entry.at, until: Number.POSITIVE_INFINITY });
  }
  return counts;
}

/** Times in which a viewer received more than `viewers`. */
function tooMany(
  counts: readonly ViewerCount[],
  viewers: number,
): readonly { readonly from: number; readonly to: number; readonly most: number }[] {
  const stretches: { from: number; to: number; most: number }[] = [];
  for (const one of counts) {
    if (one.viewers <= viewers) continue;
    const last = stretches.at(-1);
    if (last !== undefined && last.to === one.at) {
      last.to = one.until;
      last.most = Math.max(last.most, one.viewers);
    } else stretches.push({ from: one.at, to: one.until, most: one.viewers });
  }
  return stretches;
}
