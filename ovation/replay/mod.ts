/**
 * replay: a recorded chat through the HTTP API, as if it happened live. A recording is opened and
 * read once to the end (so that nothing of a bad file is posted), then read again and posted one by
 * one, in order of time.
 */

export { addReplayCommand } from "./command.ts";
export { openRecording } from "./open-recording.ts";
export { type RecordedComment, type Recording, RecordingError } from "./recording.ts";
export { type ReplayOptions, type ReplayProgress, replay } from "./replay.ts";
