/** Finds out in which form a recording is. */

import { type Recording, RecordingError } from "./recording.ts";
import { openChatJson } from "./recording-chat-json.ts";
import { openJsonLines } from "./recording-json-lines.ts";

/** How much of a file decides its form. */
const SNIFF_BYTES = 64 * 1024;

/** Opens a recording; its form is found by name, or by how it begins. */
export async function openRecording(path: string): Promise<Recording> {
  const file = Bun.file(path);
  if (!(await file.exists())) throw new RecordingError(`${path}: there is no such file`);
  if (/\.(jsonl|ndjson)$/i.test(path)) return openJsonLines(path);
  const beginning = await file.slice(0, SNIFF_BYTES).text();
  return isOneLineObject(beginning) ? openJsonLines(path) : openChatJson(path);
}

/** JSON Lines: the first line is a whole object, and not the one that holds all comments. */
function isOneLineObject(beginning: string): boolean {
  const [first = ""] = beginning.trimStart().split("\n", 1);
  try {
    const value: unknown = JSON.parse(first);
    return typeof value === "object" && value !== null && !("comments" in value);
  } catch {
    // Not JSON by itself: the first of many lines of one value, or no JSON at all, which the reader
    // says better.
    return false;
  }
}
