/**
 * Checks the SDK's callbacks of one subscription: each durable event once, in order, from the head
 * on.
 */

import type { ClientEvent } from "@ovation/client";
import type { Topic } from "@ovation/protocol";
import type { World } from "../world.ts";

export class SequenceChecker {
  /** The last number seen, or the head that it began at. */
  last: number | undefined;
  /**
   * Events seen since the last reset, by number: all must be of the log's current epoch at the end.
   */
  readonly seen = new Map<number, string>();
  viewers: number | undefined;
  likes = 0;
  readonly #world: World;
  readonly #who: string;
  readonly #topic: Topic;

  constructor(world: World, who: string, topic: Topic) {
    this.#world = world;
    this.#who = who;
    this.#topic = topic;
  }

  /** Called again whenever a new connection has the topic. */
  began(head: number): void {
    const { verdict, truth } = this.#world;
    if (this.last === undefined) this.last = head;
    else if (head !== this.last)
      verdict.fail("sdk-head", `${this.#who} resumes from ${head} but had ${this.last}`);
    if (head > truth.head(this.#topic) && truth.restores === 0) {
      verdict.fail(
        "sdk-head",
        `${this.#who} begins at ${head}, but the log has only ${truth.head(this.#topic)}`,
      );
    }
  }

  event({ seq, type, data }: ClientEvent): void {
    const { verdict, truth } = this.#world;
    if (seq === undefined) {
      if (type === "stats") this.viewers = (data as { readonly viewers: number }).viewers;
      else if (type === "likes")
        this.likes = Math.max(
          this.likes,
          (data as { readonly total: { readonly like: number } }).total.like,
        );
      return;
    }
    if (this.last === undefined || seq !== this.last + 1)
      verdict.fail("sdk-order", `${this.#who} got ${seq} after ${this.last}`);
    const text = JSON.stringify(data);
    if (!truth.wasEver(this.#topic, seq, text))
      verdict.fail("content", `${this.#who} got other data at ${seq}`);
    this.seen.set(seq, text);
    this.last = seq;
  }

  /** Only where the reader's last event is past retention, or a backup was restored. */
  reset(head: number): void {
    const { verdict, truth } = this.#world;
    if (truth.first(this.#topic) <= (this.last ?? 0) && truth.restores === 0) {
      verdict.fail(
        "unjustified-reset",
        `${this.#who} was reset to ${head} at ${this.last}; the log keeps ` +
          `${truth.first(this.#topic)} and later`,
      );
    }
    this.last = head;
    this.seen.clear();
  }
}
