/** Puts a stream that is nearly in order of time into order, with bounded memory. */

/**
 * Keeps up to `window` entries and yields the earliest. Entries of the same moment keep their
 * order. An entry that is more than `window` positions late is yielded as soon as it is read.
 */
export async function* inTimeOrder<Entry extends { readonly offsetSeconds: number }>(
  entries: AsyncIterable<Entry>,
  window: number,
): AsyncGenerator<Entry, void, void> {
  /** Ascending; of equal ones the first read comes first. */
  const kept: Entry[] = [];
  for await (const entry of entries) {
    let index = kept.length;
    while (index > 0 && (kept[index - 1]?.offsetSeconds ?? 0) > entry.offsetSeconds) index--;
    kept.splice(index, 0, entry);
    if (kept.length > window) {
      const earliest = kept.shift();
      if (earliest !== undefined) yield earliest;
    }
  }
  yield* kept;
}
