/**
 * An audience: the subscriptions of a channel that has several. (Most channels have one and need no
 * list: `channel.ts`.) During a round, a removed subscription leaves a hole, so that no other one
 * is skipped or written to twice.
 */

export class Audience<Entry extends { index: number }> {
  /** Without the holes. */
  size = 0;
  #list: (Entry | null)[] = [];

  /** With the holes of a round in progress. */
  get list(): readonly (Entry | null)[] {
    return this.#list;
  }

  add(entry: Entry): void {
    entry.index = this.#list.length;
    this.#list.push(entry);
    this.size++;
  }

  remove(entry: Entry, walking: boolean): void {
    const list = this.#list;
    this.size--;
    if (walking) {
      list[entry.index] = null;
      return;
    }
    const last = list.length - 1;
    const moved = list[last];
    list.length = last;
    if (moved === undefined || moved === null || moved === entry) return;
    list[entry.index] = moved;
    moved.index = entry.index;
  }

  /** Closes the holes. */
  compact(): void {
    if (this.size === this.#list.length) return;
    const kept = this.#list.filter((entry) => entry !== null);
    for (const [index, entry] of kept.entries()) entry.index = index;
    this.#list = kept;
  }
}
