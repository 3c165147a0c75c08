/**
 * An audience: the subscriptions of a topic that has several. (Most topics have one, and need no
 * list: `channel.ts`.) While a broadcast walks over it, removed subscriptions become holes, so that
 * none is skipped or written to twice.
 */

import type { Subscription } from "../connections/connection.ts";

export class Audience {
  /** Without the holes. */
  size = 0;
  #list: (Subscription | null)[] = [];

  /** With the holes of a broadcast in progress. */
  get list(): readonly (Subscription | null)[] {
    return this.#list;
  }

  add(subscription: Subscription): void {
    subscription.index = this.#list.length;
    this.#list.push(subscription);
    this.size++;
  }

  remove(subscription: Subscription, walking: boolean): void {
    const list = this.#list;
    this.size--;
    if (walking) {
      list[subscription.index] = null;
      return;
    }
    const last = list.length - 1;
    const moved = list[last];
    list.length = last;
    if (moved === undefined || moved === null || moved === subscription) return;
    list[subscription.index] = moved;
    moved.index = subscription.index;
  }

  /** Closes the holes. */
  compact(): void {
    if (this.size === this.#list.length) return;
    const kept = this.#list.filter((subscription) => subscription !== null);
    for (const [index, subscription] of kept.entries()) subscription.index = index;
    this.#list = kept;
  }
}
