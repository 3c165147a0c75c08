/**
 * A recorded chat, in either form, read as a stream of comments in the order of the file. An item
 * that is odd is corrected or left out, and reported to the reader's {@link RecordingNotes}. A file
 * that is no recording at all is a {@link RecordingError}.
 */

import { PLACES_SHOWN_MAX, REORDER_WINDOW } from "./limits.ts";
import { inTimeOrder } from "./time-order.ts";

export type RecordedRole = "host" | "moderator" | "member";

export interface RecordedComment {
  /** Seconds since the recording began; below zero for what was written before it. */
  readonly offsetSeconds: number;
  readonly author: string;
  readonly text: string;
  readonly role: RecordedRole;
  /** Where it stands in the file, for messages: `line 17`, `comment 17`. */
  readonly where: string;
}

/** What a reader is told of odd items. */
export interface RecordingNotes {
  /** The item cannot be a comment. */
  leftOut(where: string, why: string): void;
  /** The item is a comment after a change. */
  corrected(where: string, what: string): void;
}

export interface Recording {
  readonly form: "JSON Lines" | "chat.json";
  /** In the order of the file. May be called again: the file is read again. */
  comments(notes?: RecordingNotes): AsyncGenerator<RecordedComment, void, void>;
}

export class RecordingError extends Error {
  override readonly name = "RecordingError";
}

/** How many there are, and where the first few are. */
export interface Places {
  readonly count: number;
  readonly first: readonly string[];
}

/** What a first reading of the whole file found. */
export interface RecordingSummary {
  readonly comments: number;
  readonly firstSeconds: number;
  readonly lastSeconds: number;
  readonly leftOut: Places;
  readonly corrected: Places;
  /** Whether {@link inTimeOrder} puts it into order; otherwise it has to be sorted. */
  readonly isOrdered: boolean;
}

/**
 * Reads the whole recording once, so that what is wrong with it is known before anything is posted.
 */
export async function checkRecording(recording: Recording): Promise<RecordingSummary> {
  const leftOut = { count: 0, first: [] as string[] };
  const corrected = { count: 0, first: [] as string[] };
  const note = (places: typeof leftOut, where: string, what: string) => {
    places.count++;
    if (places.first.length < PLACES_SHOWN_MAX) places.first.push(`${where} (${what})`);
  };
  const read = recording.comments({
    leftOut: (where, why) => note(leftOut, where, why),
    corrected: (where, what) => note(corrected, where, what),
  });
  let comments = 0;
  let firstSeconds = Number.POSITIVE_INFINITY;
  let lastSeconds = Number.NEGATIVE_INFINITY;
  let isOrdered = true;
  for await (const { offsetSeconds } of inTimeOrder(read, REORDER_WINDOW)) {
    comments++;
    if (offsetSeconds < lastSeconds) isOrdered = false;
    firstSeconds = Math.min(firstSeconds, offsetSeconds);
    lastSeconds = Math.max(lastSeconds, offsetSeconds);
  }
  const times =
    comments === 0 ? { firstSeconds: 0, lastSeconds: 0 } : { firstSeconds, lastSeconds };
  return { comments, ...times, leftOut, corrected, isOrdered };
}
