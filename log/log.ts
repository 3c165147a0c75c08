/**
 * The durable log: it gives an event its place (topic, contiguous sequence number from 1) and keeps
 * it.
 *
 * The specification, held by `log.contract.ts` for every form:
 *
 * - `append` resolves after the commit is on disk (fsync). Entries of one call are committed
 *   together or not at all; calls that wait at the same time share a transaction (group commit).
 * - Numbers of a topic have no hole and no repeat, whatever dies when, and however many processes
 *   append.
 * - An entry whose `key` was used before in its topic is not appended again: the answer is the
 *   place of the first one, with `duplicate: true`. Keys are kept for {@link KEY_AGE_MS} at least.
 * - `read` sees everything whose `append` has resolved.
 * - `stamp` never decreases in one log; see `changes` for what may be concluded from it.
 * - Rejects with {@link LogFullError} when the disk is full and {@link LogUnavailableError} when
 *   the
 *   database cannot be reached. Nothing was stored then (a commit whose answer was lost may stand;
 *   the key makes the retry harmless).
 */

import type { DurableEvent, Epoch, JsonText, Moment, Place, Stamp, Topic } from "@ovation/protocol";

export interface LogEntry {
  readonly topic: Topic;
  readonly type: string;
  /** The publisher's wall clock, ms since 1970. */
  readonly at: number;
  readonly data: JsonText;
  /** Idempotency key, unique within the topic. */
  readonly key?: string;
  /**
   * In the same transaction, the data of an earlier event of this topic becomes this one: a removal
   * takes the text out of the log, an edit replaces it, so that later readers see neither.
   */
  readonly replace?: { readonly seq: number; readonly data: JsonText };
}

export interface Appended {
  readonly place: Place;
  /** `at` of the stored event: the first one's where this is a duplicate. */
  readonly at: number;
  readonly duplicate: boolean;
  /** For duplicates, the stored type and data, so that a reused key can be told from a retry. */
  readonly stored?: { readonly type: string; readonly data: JsonText };
}

/** The newest place of a topic; `seq` 0 and an empty epoch where it has no event. */
export interface Head {
  readonly topic: Topic;
  readonly seq: number;
  readonly epoch: Epoch;
  /** The oldest number that is still kept; `seq + 1` where none is. */
  readonly first: number;
}

/** A head as `heads` answers it. */
export interface StampedHead extends Head {
  /**
   * When its newest event was committed, also where that is past retention; 0 where it never had
   * one.
   */
  readonly stamp: Stamp;
}

export interface ReadQuery {
  /** Events with a number above this, the oldest first. */
  readonly after?: number;
  /** Events with a number below this, the newest `limit` of them. */
  readonly before?: number;
  /** With neither, the newest `limit` events. */
  readonly limit: number;
  /** Only these types. */
  readonly types?: readonly string[];
}

export interface LogPage {
  /** Ascending by `seq`, always. */
  readonly events: readonly DurableEvent[];
  readonly head: Head;
}

/** What was appended since a stamp. */
export interface Changes {
  readonly heads: readonly Head[];
  /**
   * Every event with a stamp up to this one is in the log and visible to `read`; ask with it the
   * next time. Behind the present by as much as a transaction may take.
   */
  readonly stamp: Stamp;
  /**
   * The newest epoch of the log, in which it has reached `stamp`; empty where nothing was ever
   * appended. With `since` after all that the log holds, a backup was restored: `stamp` is then
   * below `since`.
   */
  readonly epoch: Epoch;
  /** More topics changed than `limit`: ask again from `stamp`, which is then the last one's. */
  readonly more: boolean;
}

/** What is counted: events of these types, with a number above `after`. */
export interface TallyQuery {
  readonly after: number;
  readonly types: readonly string[];
}

/** How many events of each type there were. */
export interface Tally {
  /** In the order of the query's types. */
  readonly counts: readonly number[];
  /** Up to this number, {@link TALLY_EVENTS_MAX} beyond where it began at most. */
  readonly upTo: number;
  /** More follow up to the head: ask again from `upTo`. */
  readonly more: boolean;
  /**
   * The counts are of all events from number 1 on, those that retention dropped included. So it is
   * with `after` 0, where events above `after` were dropped already, and where `after` is beyond
   * the head (a backup was restored): what was counted up to `after` counts no more.
   */
  readonly isWhole: boolean;
}

export interface Log {
  append(entries: readonly LogEntry[]): Promise<readonly Appended[]>;
  read(topic: Topic, query: ReadQuery): Promise<LogPage>;
  heads(topics: readonly Topic[]): Promise<readonly StampedHead[]>;
  /**
   * Where the topic stood at that moment: its newest event with a stamp not after it (`seq` 0 where
   * none is kept).
   */
  headAt(topic: Topic, stamp: Stamp): Promise<Head>;
  /**
   * Counts events by type. Of a topic that was cleared, and of an import, what went before does not
   * count.
   */
  tally(topic: Topic, query: TallyQuery): Promise<Tally>;
  /** The topics with events after `since`. With -1, none, only the stamp of the present. */
  changes(since: Stamp, limit: number): Promise<Changes>;
  /**
   * Whether the event `(seq, epoch)` was written by this log: false for a number beyond the head
   * and for one that another epoch wrote. `unknown` where the event is past retention.
   */
  wrote(topic: Topic, seq: number, epoch: Epoch): Promise<"yes" | "no" | "unknown">;
  /**
   * Whether the log holds everything that was committed up to this moment. False for an epoch that
   * it does not know, and for a moment after the end of the epoch: what came after the backup is
   * lost. With an empty epoch, whether anything as late as `stamp` is in the log.
   */
  reached(moment: Moment): Promise<boolean>;
  close(): Promise<void>;
}

/** What operators do with a log; the command's `ovation log …` and the retention timer call it. */
export interface LogKeeper {
  /**
   * Drops what is past the retention of its kind: one look at every topic, at most
   * {@link TRIM_TOPIC_EVENTS_MAX} events of each and `limit` of all. The next call continues with
   * the topic after the last one, so no topic waits for another to be done. Answers how many went.
   */
  trim(limit: number): Promise<number>;
  /**
   * Drops the topic's events below the number `below`, whatever its retention says: for a topic
   * that was deleted. Its numbers continue. Returns how many were dropped.
   */
  clear(topic: Topic, below: number): Promise<number>;
  /**
   * Claims the upkeep of the installation for the next `ttlMs`: true for one of all processes that
   * share the log, and for the same one again until it stops asking.
   */
  claimUpkeep(ttlMs: number): Promise<boolean>;
  /** Rejects with what an append would reject with now, as far as it can be told without one. */
  probe(): Promise<void>;
}

export const KEY_AGE_MS = 24 * 60 * 60 * 1000;

export class LogFullError extends Error {
  override readonly name = "LogFullError";
}

export class LogUnavailableError extends Error {
  override readonly name: string = "LogUnavailableError";
}

/** A part of the log is damaged, and what was asked for is not served. */
export class LogDamagedError extends LogUnavailableError {
  override readonly name: string = "LogDamagedError";
}

/** The file or database is not one that this version may write: corrupt, or of a newer version. */
export class LogUnusableError extends Error {
  override readonly name = "LogUnusableError";
}
