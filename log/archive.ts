/**
 * A log as its operators see it: every row, in order, of one moment; and the way in for an import. What
 * `verify`, `export` and `import` share; `archive-sqlite.ts` and `archive-postgres.ts` are its forms.
 */

import type { DurableEvent, Epoch, Stamp, Topic } from "@ovation/protocol";
import type { LogLocation } from "./open-log.ts";
import { readPostgresArchive, writePostgresArchive } from "./postgres/archive-postgres.ts";
import { readSqliteArchive, writeSqliteArchive } from "./sqlite/archive-sqlite.ts";

/** A topic as the log keeps it. Texts are as found: a damaged log may hold anything. */
export interface TopicRecord {
  readonly topic: Topic;
  readonly seq: number;
  readonly first: number;
  /** The newest event's, also when it is past retention. */
  readonly stamp: Stamp;
  /** Empty where the log does not know the life any more. */
  readonly epoch: Epoch;
}

/** `isAltered`: it is not what was written, as far as the form can tell. */
export type ArchiveEvent = DurableEvent & { readonly isAltered?: boolean };

/** `count` is of all problems; of very many, `listed` has the first ones. */
export interface Inspection {
  readonly listed: readonly string[];
  readonly count: number;
}

export interface ArchiveReader {
  /** What only the form itself can find: damaged pages, rows without a topic, a type or a life. */
  inspect(): Promise<Inspection>;
  countKeys(): Promise<number>;
  /** The next topics after a name, ascending. */
  topics(after: string, limit: number): Promise<readonly TopicRecord[]>;
  /** The next events of a topic after a number, ascending; type or epoch is empty where the log does not know it. */
  events(topic: Topic, after: number, limit: number): Promise<readonly ArchiveEvent[]>;
}

/** Everything that it writes is of one transaction and one new life. */
export interface ArchiveWriter {
  readonly epoch: Epoch;
  /** The topic's newest number; 0 where it has none. */
  seqOf(topic: Topic): Promise<number>;
  write(events: readonly DurableEvent[]): Promise<void>;
  /** Called once for each topic, after its events. */
  finish(topic: Omit<TopicRecord, "epoch"> & { readonly firstStamp: Stamp }): Promise<void>;
}

/** Throws LogUnusableError where there is no log, or one of a newer version. */
export function readArchive<Result>(
  location: LogLocation,
  run: (reader: ArchiveReader) => Promise<Result>,
): Promise<Result> {
  return "url" in location
    ? readPostgresArchive(location.url, run)
    : readSqliteArchive(location.path, run);
}

/** Commits what `run` wrote when it resolves, and nothing when it rejects. Makes the log where there is none. */
export function writeArchive<Result>(
  location: LogLocation,
  run: (writer: ArchiveWriter) => Promise<Result>,
): Promise<Result> {
  return "url" in location
    ? writePostgresArchive(location.url, run)
    : writeSqliteArchive(location.path, run);
}
