/**
 * The order of one topic's durable events: each once, none before its predecessor. Pure, no clock.
 *
 * Before the subscription's first head is known everything is held; then events up to the position
 * are dropped as duplicates, the next one passes, later ones are held until the missing arrive.
 */

import type { Epoch, TopicPosition } from "@ovation/protocol";
import { EPOCHS_MAX, HELD_EVENTS_MAX } from "../limits.ts";

export class Sequence<Item> {
  #last: TopicPosition | undefined;
  #head: number;
  /** Events of an unknown log epoch arrived. */
  #foreign = false;
  readonly #held = new Map<number, { readonly epoch: Epoch; readonly item: Item }>();
  readonly #epochs = new Set<Epoch>();

  constructor(from?: TopicPosition) {
    this.#last = from;
    this.#head = from?.seq ?? 0;
    if (from !== undefined) this.#learn(from.epoch);
  }

  /** The last number delivered, or the head at which the subscription began; undefined before. */
  get seq(): number | undefined {
    return this.#last?.seq;
  }

  /**
   * The position that a server can recover from; undefined where the log's epoch at `seq` is
   * unknown.
   */
  get position(): TopicPosition | undefined {
    const last = this.#last;
    return last === undefined || (last.seq === 0) !== (last.epoch === "") ? undefined : last;
  }

  /** Whether an event is known to be missing. */
  get behind(): boolean {
    const last = this.#last;
    return last !== undefined && (this.#foreign || this.#head > last.seq);
  }

  /** The newest number that was seen or announced. */
  get head(): number {
    return this.#head;
  }

  /** Takes an event; returns those that are due now, in order. */
  accept(seq: number, epoch: Epoch, item: Item): readonly Item[] {
    const last = this.#last;
    if (last !== undefined && seq <= last.seq) {
      // A past number of an unknown log epoch: a backup was restored during the connection. Only
      // the server can tell where to resume.
      if (epoch !== "" && this.#epochs.size > 0 && !this.#epochs.has(epoch)) {
        this.#learn(epoch);
        this.#foreign = true;
      }
      return [];
    }
    this.announce(seq);
    // At the limit the event is not kept: it counts as missing and will be pulled.
    if (this.#held.size < HELD_EVENTS_MAX || seq === (last?.seq ?? -1) + 1)
      this.#held.set(seq, { epoch, item });
    return this.#release();
  }

  /** The topic has events up to `head`. */
  announce(head: number): void {
    this.#head = Math.max(this.#head, head);
  }

  /**
   * Resumes from `head`: a new subscription, or one whose past is lost. Returns held events that
   * follow.
   */
  start(head: number, epoch: Epoch): readonly Item[] {
    const held = this.#held;
    // Numbers beyond the head that came before it was known follow it; after a loss of the past
    // they may be of another log epoch, and come again.
    if (this.#last !== undefined) held.clear();
    for (const seq of held.keys()) if (seq <= head) held.delete(seq);
    this.#last = { seq: head, epoch };
    this.#foreign = false;
    this.#head = Math.max(head, ...held.keys());
    this.#learn(epoch);
    return this.#release();
  }

  /**
   * A new connection will bring everything after `position`, or after its head where there is no
   * position yet: held events come again.
   */
  resume(): void {
    this.#held.clear();
    this.#foreign = false;
    this.#head = this.#last?.seq ?? 0;
  }

  #learn(epoch: Epoch): void {
    if (epoch === "") return;
    this.#epochs.delete(epoch);
    this.#epochs.add(epoch);
    for (const oldest of this.#epochs) {
      if (this.#epochs.size <= EPOCHS_MAX) break;
      this.#epochs.delete(oldest);
    }
  }

  #release(): readonly Item[] {
    const due: Item[] = [];
    while (this.#last !== undefined) {
      const seq = this.#last.seq + 1;
      const next = this.#held.get(seq);
      if (next === undefined) break;
      this.#last = { seq, epoch: next.epoch };
      this.#held.delete(seq);
      this.#learn(next.epoch);
      due.push(next.item);
    }
    return due;
  }
}
