/** `ovation log verify`: reads a whole log and says what is wrong with it. Changes nothing. */

import { isEventType, parseTopic, RESERVED_TYPES } from "@ovation/protocol";
import { ARCHIVE_BATCH, PROBLEMS_MAX } from "../limits.ts";
import type { LogLocation } from "../open-log.ts";
import type { ArchiveEvent, ArchiveReader, TopicRecord } from "./archive.ts";
import { readArchive } from "./open-archive.ts";

export interface Progress {
  readonly topics: number;
  readonly events: number;
}

export interface VerifyReport extends Progress {
  readonly keys: number;
  /** Sentences, at most {@link PROBLEMS_MAX}. Empty: the log is whole. */
  readonly problems: readonly string[];
  /** All that were found, also those that are not listed. */
  readonly problemCount: number;
}

class Findings {
  readonly listed: string[] = [];
  count = 0;

  add(problem: string): void {
    this.count++;
    if (this.listed.length < PROBLEMS_MAX) this.listed.push(problem);
  }
}

/**
 * Checks the pages (SQLite), rows without a topic, type or life, and of each topic: that its
 * numbers have no hole, that stamps rise, and that types and data are what they must be. Throws
 * LogUnusableError where there is no log.
 */
export function verifyLog(
  location: LogLocation,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<VerifyReport> {
  return readArchive(location, async (archive) => {
    const findings = new Findings();
    const inspection = await archive.inspect();
    for (const problem of inspection.listed) findings.add(problem);
    findings.count += inspection.count - inspection.listed.length;
    const progress = { topics: 0, events: 0 };
    for (let after = ""; ; ) {
      const topics = await archive.topics(after, ARCHIVE_BATCH);
      for (const topic of topics) {
        await verifyTopic(archive, topic, findings, (events) => {
          progress.events += events;
          onProgress(progress);
        });
        progress.topics++;
        after = topic.topic;
      }
      onProgress(progress);
      if (topics.length < ARCHIVE_BATCH) break;
    }
    return {
      ...progress,
      keys: await archive.countKeys(),
      problems: findings.listed,
      problemCount: findings.count,
    };
  });
}

async function verifyTopic(
  archive: ArchiveReader,
  record: TopicRecord,
  findings: Findings,
  onEvents: (count: number) => void,
): Promise<void> {
  const { topic, first, seq: head } = record;
  const name = JSON.stringify(topic);
  if (parseTopic(topic) === undefined) findings.add(`${name} is not a topic`);
  if (head > 0 && record.epoch === "") findings.add(`${name} names an unknown epoch`);
  let [seq, stamp] = [first - 1, 0];
  for (;;) {
    const events = await archive.events(topic, seq, ARCHIVE_BATCH);
    for (const event of events) {
      if (event.place.seq !== seq + 1)
        findings.add(`${name} has a hole from ${seq + 1} to ${event.place.seq - 1}`);
      if (event.place.stamp < stamp)
        findings.add(`${name} ${event.place.seq}: its stamp is below that of the event before it`);
      verifyEvent(event, `${name} ${event.place.seq}`, findings);
      seq = event.place.seq;
      stamp = event.place.stamp;
    }
    onEvents(events.length);
    if (events.length < ARCHIVE_BATCH) break;
  }
  if (seq < head) findings.add(`${name} has a hole from ${seq + 1} to ${head}`);
  if (seq > head) findings.add(`${name} has events after its head ${head}`);
  const [oldest] = await archive.events(topic, 0, 1);
  if (oldest !== undefined && oldest.place.seq < first)
    findings.add(`${name} keeps events before its first, ${first}`);
}

function verifyEvent(event: ArchiveEvent, name: string, findings: Findings): void {
  if (event.isAltered === true) findings.add(`${name} is not what was written`);
  if (!isEventType(event.type) && !RESERVED_TYPES.has(event.type))
    findings.add(`${name}: ${JSON.stringify(event.type)} is not a type`);
  if (event.place.epoch === "") findings.add(`${name} names an unknown epoch`);
  if (!Number.isSafeInteger(event.at) || event.at < 0)
    findings.add(`${name}: its time ${event.at} is none`);
  try {
    JSON.parse(event.data);
  } catch (error) {
    findings.add(
      `${name}: its data is not JSON (${error instanceof Error ? error.message : error})`,
    );
  }
}
