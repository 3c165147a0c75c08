/**
 * The promises about a restored backup. Its log has lost what was stored after the backup:
 *
 * - a viewer that has lost events of a topic receives a reset of that topic
 * - later events are complete, in order and as in the log, for every viewer
 */

import type { History, SeenEvent, Viewer } from "../history/history.ts";
import type { Report } from "./violation.ts";

export interface RestoreHistory extends Pick<History, "viewers" | "log"> {
  /** A time at which no process had the data open, and no event of the old epoch was in flight. */
  readonly restoredAt: number;
  /** The newest number of each topic in the backup. */
  readonly backup: ReadonlyMap<string, number>;
}

export interface RestoreCounts {
  /** Topics of viewers that had lost events. */
  readonly lostFutures: number;
  /** Topics of viewers that received a reset although the backup has all that they had. */
  readonly toldWithoutNeed: number;
}

export function checkRestored(history: RestoreHistory, report: Report): RestoreCounts {
  const counts = { lostFutures: 0, toldWithoutNeed: 0 };
  for (const viewer of history.viewers)
    for (const topic of viewer.topics) checkTopic(viewer, topic, history, counts, report);
  return counts;
}

type Counts = { -readonly [Key in keyof RestoreCounts]: number };

function checkTopic(
  viewer: Viewer,
  topic: string,
  history: RestoreHistory,
  counts: Counts,
  report: Report,
): void {
  const { had, isReset } = whatItHad(viewer, topic, history.restoredAt);
  const kept = history.backup.get(topic) ?? 0;
  if (had > kept) counts.lostFutures++;
  else if (isReset) counts.toldWithoutNeed++;
  if (had > kept && !isReset) {
    // Later violations of this viewer are consequences.
    const detail = `had number ${had}, the backup ends at ${kept}, and it received no reset`;
    report("recovered-untrue", viewer.name, topic, detail);
    return;
  }
  checkAfter(viewer, topic, history, report);
}

/** The newest number before the restore, and whether a reset followed. */
function whatItHad(
  { entries }: Viewer,
  topic: string,
  restoredAt: number,
): { readonly had: number; readonly isReset: boolean } {
  let had = 0;
  let isReset = false;
  for (const entry of entries) {
    if (!("topic" in entry) || entry.topic !== topic) continue;
    if (entry.kind === "reset" && entry.at > restoredAt) isReset = true;
    if (entry.at > restoredAt) continue;
    if (entry.kind === "subscribed" || entry.kind === "reset") had = Math.max(had, entry.head);
    if (entry.kind === "event") had = Math.max(had, entry.seq ?? 0);
  }
  return { had, isReset };
}

function checkAfter(
  { name, form, entries }: Viewer,
  topic: string,
  { log, restoredAt }: RestoreHistory,
  report: Report,
): void {
  const events = log.get(topic) ?? [];
  const contents = new Map(events.map(({ seq, content }) => [seq, content]));
  const head = events.at(-1)?.seq ?? 0;
  let next = 1;

  function take({ seq = 0, content, at }: SeenEvent): void {
    if (at > restoredAt && contents.get(seq) !== content) {
      const logged = contents.get(seq) ?? "nothing";
      report("other-content", name, topic, `number ${seq} is ${content}, in the log ${logged}`);
    }
    if (seq > next) report("lost", name, topic, `numbers ${next} to ${seq - 1}, at ${at} ms`);
    // A plain viewer that moves may get the last seconds again.
    if (seq < next && form === "sdk")
      report("duplicate", name, topic, `number ${seq} at ${at} ms, after ${next - 1}`);
    next = Math.max(next, seq + 1);
  }

  for (const entry of entries) {
    if (!("topic" in entry) || entry.topic !== topic) continue;
    if (entry.kind === "subscribed" || entry.kind === "reset") next = entry.head + 1;
    if (entry.kind === "event" && entry.seq !== undefined) take(entry);
  }
  if (next <= head) report("lost", name, topic, `the last ${head - next + 1}, from number ${next}`);
}
