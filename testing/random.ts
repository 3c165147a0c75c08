/** Pseudo-random numbers: the same sequence for the same seed. */

/** Numbers in [0, 1), by mulberry32. Seeds 1, 2, 3 … begin alike: {@link Random} skips that. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export class Random {
  /** In [0, 1). */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = seededRandom(seed);
    for (let round = 0; round < 4; round++) this.next();
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** An integer from `from` up to and with `to`. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Intervals between events that are `mean` apart on average. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.next() * items.length)];
  }

  /** One item; throws where there is none. */
  choose<Item>(items: readonly Item[]): Item {
    const item = this.pick(items);
    if (item === undefined) throw new Error("nothing to choose from");
    return item;
  }

  shuffle<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = this.integer(0, index);
      const moved = shuffled[index] as Item;
      shuffled[index] = shuffled[other] as Item;
      shuffled[other] = moved;
    }
    return shuffled;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.integer(0, 255));
  }
}
