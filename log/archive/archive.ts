/**
 * A log as `verify`, `export` and `import` use it: every row, in order, of one moment, and the
 * writer of an import. `archive-sqlite.ts` and `archive-postgres.ts` are its forms.
 */

import type { DurableEvent, Epoch, Stamp, Topic } from "@ovation/protocol";

/** A topic as the log keeps it. Texts are as found: a damaged log may hold anything. */
export interface TopicRecord {
  readonly topic: Topic;
  readonly seq: number;
  readonly first: number;
  /** The newest event's, also when it is past retention. */
  readonly stamp: Stamp;
  /** Empty where the log has no row of the epoch. */
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
  /** Damage that the form finds: pages, and rows without a topic, a type or an epoch. */
  inspect(): Promise<Inspection>;
  countKeys(): Promise<number>;
  /** The next topics after a name, ascending. */
  topics(after: string, limit: number): Promise<readonly TopicRecord[]>;
  /** The next events of a topic after a number, ascending. Unknown types and epochs are empty. */
  events(topic: Topic, after: number, limit: number): Promise<readonly ArchiveEvent[]>;
}

/** Writes in one transaction, as one new epoch. */
export interface ArchiveWriter {
  readonly epoch: Epoch;
  /** The topic's newest number; 0 where it has none. */
  seqOf(topic: Topic): Promise<number>;
  write(events: readonly DurableEvent[]): Promise<void>;
  /** Called once for each topic, after its events. */
  finish(topic: Omit<TopicRecord, "epoch"> & { readonly firstStamp: Stamp }): Promise<void>;
}
