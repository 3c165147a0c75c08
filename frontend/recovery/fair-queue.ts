/**
 * A fair queue: addresses are served in turns, one item each, so that an address with one item
 * waits for one item of each other address, however many those have. Within an address, small items
 * go first.
 */

import { addressGroupOf } from "@ovation/protocol";

/** First in, first out, without moving what is left. */
class Line<Item> {
  #items: Item[] = [];
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#first++];
    if (this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }
}

interface Waiting<Item> {
  readonly small: Line<Item>;
  readonly large: Line<Item>;
}

export class FairQueue<Item> {
  /** In the order of their turns. */
  readonly #addresses = new Map<string, Waiting<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(address: string, item: Item, isSmall: boolean): void {
    const group = addressGroupOf(address);
    let waiting = this.#addresses.get(group);
    if (waiting === undefined) {
      waiting = { small: new Line(), large: new Line() };
      this.#addresses.set(group, waiting);
    }
    (isSmall ? waiting.small : waiting.large).push(item);
    this.#size++;
  }

  /** The next item, of an address that `mayGo`. */
  shift(mayGo: (group: string) => boolean = () => true): Item | undefined {
    for (const [group, waiting] of this.#addresses) {
      if (!mayGo(group)) continue;
      const line = waiting.small.size > 0 ? waiting.small : waiting.large;
      const item = line.shift();
      this.#addresses.delete(group);
      if (waiting.small.size + waiting.large.size > 0) this.#addresses.set(group, waiting);
      this.#size--;
      return item;
    }
    return undefined;
  }
}
