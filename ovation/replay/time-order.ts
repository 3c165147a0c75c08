/** Puts a stream that is nearly in order of time into order, with bounded memory. */

import type { RecordedComment } from "./recording.ts";

/**
 * Holds up to `window` comments back and gives the earliest. Comments of the same moment keep the
 * order of the file. One that comes more than `window` places late is given as soon as it is read.
 */
export async function* inTimeOrder(
  comments: AsyncIterable<RecordedComment>,
  window: number,
): AsyncGenerator<RecordedComment, void, void> {
  /** Ascending; of equal ones the first read comes first. */
  const held: RecordedComment[] = [];
  for await (const comment of comments) {
    let place = held.length;
    while (place > 0 && (held[place - 1]?.offsetSeconds ?? 0) > comment.offsetSeconds) place--;
    held.splice(place, 0, comment);
    if (held.length > window) {
      const earliest = held.shift();
      if (earliest !== undefined) yield earliest;
    }
  }
  yield* held;
}
