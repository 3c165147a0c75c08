/**
 * `ovation log export`: a whole log as NDJSON, of one moment, also while it is in use.
 *
 * The first line is `{"ovation-log":1}`, the format's version. Then a line for each event, topic by
 * topic in ascending order: `{"topic","seq","type","at","epoch","stamp","data":{…}}`; and for a
 * topic whose events are all past retention `{"topic","head":{"seq","stamp"}}`, so that its numbers
 * continue after an import. Idempotency keys are left out.
 */

import { ARCHIVE_BATCH } from "../limits.ts";
import { LogUnusableError } from "../log.ts";
import type { LogLocation } from "../open-log.ts";
import type { ArchiveReader, TopicRecord } from "./archive.ts";
import type { Progress } from "./log-verify.ts";
import { readArchive } from "./open-archive.ts";

export const EXPORT_VERSION = 1;
export const EXPORT_HEADER = `{"ovation-log":${EXPORT_VERSION}}\n`;

/** `write` gets whole lines, some at a time, and is waited for. Answers how much there was. */
export function exportLog(
  location: LogLocation,
  write: (lines: string) => void | Promise<void>,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<Progress> {
  return readArchive(location, async (archive) => {
    await write(EXPORT_HEADER);
    const progress = { topics: 0, events: 0 };
    for (let after = ""; ; ) {
      const topics = await archive.topics(after, ARCHIVE_BATCH);
      for (const topic of topics) {
        progress.events += await exportTopic(archive, topic, write).catch((error: unknown) => {
          throw error instanceof LogUnusableError
            ? new LogUnusableError(`${nameOf(location)}: ${error.message}`)
            : error;
        });
        progress.topics++;
        after = topic.topic;
        onProgress(progress);
      }
      if (topics.length < ARCHIVE_BATCH) return progress;
    }
  });
}

/** What is exported, for messages: without user and password. */
function nameOf(location: LogLocation): string {
  if ("path" in location) return location.path;
  const { hostname, port, pathname } = new URL(location.url);
  return `${hostname}:${port || "5432"}${pathname}`;
}

async function exportTopic(
  archive: ArchiveReader,
  { topic, seq, stamp }: TopicRecord,
  write: (lines: string) => void | Promise<void>,
): Promise<number> {
  let count = 0;
  for (let after = 0; ; ) {
    const events = await archive.events(topic, after, ARCHIVE_BATCH);
    let lines = "";
    for (const { type, at, data, place, isAltered } of events) {
      if (isAltered === true)
        throw new LogUnusableError(
          `the log is damaged: event ${place.seq} of ${topic} is not what was written. ` +
            "Run 'ovation log verify', and restore a backup",
        );
      const head = JSON.stringify({
        topic,
        seq: place.seq,
        type,
        at,
        epoch: place.epoch,
        stamp: place.stamp,
      });
      lines += `${head.slice(0, -1)},"data":${data}}\n`;
      after = place.seq;
    }
    if (lines !== "") await write(lines);
    count += events.length;
    if (events.length < ARCHIVE_BATCH) break;
  }
  if (count === 0 && seq > 0) await write(`${JSON.stringify({ topic, head: { seq, stamp } })}\n`);
  return count;
}
