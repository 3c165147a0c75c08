/**
 * A recorded chat, in either form, read as a stream of comments in the order of the file.
 * Every form answers a {@link RecordingError} with file and line (or place) for what it cannot read.
 */

export type RecordedRole = "host" | "moderator" | "member";

export interface RecordedComment {
  /** Seconds since the recording began. */
  readonly offsetSeconds: number;
  readonly author: string;
  readonly text: string;
  readonly role: RecordedRole;
  /** Where it stands in the file, for messages: `line 17`, `comment 17`. */
  readonly where: string;
}

export interface Recording {
  readonly form: "JSON Lines" | "chat.json";
  /** In the order of the file. May be called again: the file is read again. */
  comments(): AsyncGenerator<RecordedComment, void, void>;
}

export class RecordingError extends Error {
  override readonly name = "RecordingError";
}

/** What a first reading of the whole file found. */
export interface RecordingSummary {
  readonly comments: number;
  readonly firstSeconds: number;
  readonly lastSeconds: number;
}

/** Reads the whole recording once, so that nothing of a bad file is ever posted. */
export async function checkRecording(recording: Recording): Promise<RecordingSummary> {
  let comments = 0;
  let firstSeconds = Number.POSITIVE_INFINITY;
  let lastSeconds = 0;
  for await (const comment of recording.comments()) {
    comments++;
    firstSeconds = Math.min(firstSeconds, comment.offsetSeconds);
    lastSeconds = Math.max(lastSeconds, comment.offsetSeconds);
  }
  return { comments, firstSeconds: comments === 0 ? 0 : firstSeconds, lastSeconds };
}
