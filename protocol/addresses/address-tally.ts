/**
 * Units per address in one process, and the address that holds the most, each in O(1).
 *
 * Most addresses hold one unit. Only those with two or more are on a level, so that an address with
 * a single viewer costs one map entry.
 */

export class AddressTally {
  readonly #units = new Map<string, number>();
  /** The addresses with exactly this many units, from two on. */
  readonly #levels = new Map<number, Set<string>>();
  /** At least the most units of any address. Lowered when it turns out to be too high. */
  #top = 0;

  /** Addresses that hold something. */
  get size(): number {
    return this.#units.size;
  }

  held(address: string): number {
    return this.#units.get(address) ?? 0;
  }

  add(address: string, units: number): void {
    this.#move(address, this.held(address), this.held(address) + units);
  }

  /** Returns how many units were removed: never more than were there. */
  remove(address: string, units: number): number {
    const held = this.held(address);
    const removed = Math.min(units, held);
    this.#move(address, held, held - removed);
    return removed;
  }

  heaviest(): { readonly address: string; readonly held: number } | undefined {
    this.#lower();
    if (this.#top >= 2) {
      for (const address of this.#levels.get(this.#top) ?? []) return { address, held: this.#top };
    }
    for (const [address, held] of this.#units) return { address, held };
    return undefined;
  }

  #move(address: string, from: number, to: number): void {
    if (from === to) return;
    if (to > 0) this.#units.set(address, to);
    else this.#units.delete(address);
    const emptied = from < 2 ? undefined : this.#leaveLevel(address, from);
    if (to < 2) return;
    const level = this.#levels.get(to) ?? emptied ?? new Set<string>();
    this.#levels.set(to, level.add(address));
    if (to > this.#top) this.#top = to;
  }

  /** Hot path: a busy address is alone on its level at each connect, and keeps its set. */
  #leaveLevel(address: string, units: number): Set<string> | undefined {
    const level = this.#levels.get(units);
    level?.delete(address);
    if (level === undefined || level.size > 0) return undefined;
    this.#levels.delete(units);
    return level;
  }

  /** Units may be bytes, so the next level below may be far away: then all levels are searched. */
  #lower(): void {
    if (this.#top < 2 || this.#levels.has(this.#top)) return;
    this.#top = 0;
    for (const level of this.#levels.keys()) this.#top = Math.max(this.#top, level);
  }
}
