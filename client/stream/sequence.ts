/**
 * The order of one topic's durable events: each once, none before its predecessor. Pure, no clock.
 *
 * Before the subscription's first head is known everything is held; then events up to the position
 * are dropped as duplicates, the next one passes, later ones are held until the missing arrive.
 */

import type { Epoch, TopicPosition } from "@ovation/protocol";
import { EPOCHS_MAX, HELD_EVENTS_MAX } from "../limits.ts";

export interface Sequence<Item> {
  /** The last number delivered, or the head at which the subscription began; undefined before. */
  readonly seq: number | undefined;
  /**
   * The position that a server can recover from; undefined where the log's epoch at `seq` is
   * unknown.
   */
  readonly position: TopicPosition | undefined;
  /** Whether an event is known to be missing. */
  readonly behind: boolean;
  /** The newest number that was seen or announced. */
  readonly head: number;
  /** Takes an event; returns those that are due now, in order. */
  accept(seq: number, epoch: Epoch, item: Item): readonly Item[];
  /** The topic has events up to `head`. */
  announce(head: number): void;
  /**
   * Resumes from `head`: a new subscription, or one whose past is lost. Returns held events that
   * follow.
   */
  start(head: number, epoch: Epoch): readonly Item[];
  /** A new connection will bring everything after `position`: held events come again. */
  resume(): void;
}

export function createSequence<Item>(from?: TopicPosition): Sequence<Item> {
  let last: TopicPosition | undefined = from;
  let head = from?.seq ?? 0;
  let foreign = false;
  const held = new Map<number, { readonly epoch: Epoch; readonly item: Item }>();
  const epochs = new Set<Epoch>();
  if (from !== undefined) learn(from.epoch);

  function learn(epoch: Epoch): void {
    if (epoch === "") return;
    epochs.delete(epoch);
    epochs.add(epoch);
    for (const oldest of epochs) {
      if (epochs.size <= EPOCHS_MAX) break;
      epochs.delete(oldest);
    }
  }

  function release(): readonly Item[] {
    const due: Item[] = [];
    while (last !== undefined) {
      const next = held.get(last.seq + 1);
      if (next === undefined) break;
      last = { seq: last.seq + 1, epoch: next.epoch };
      held.delete(last.seq);
      learn(next.epoch);
      due.push(next.item);
    }
    return due;
  }

  return {
    get seq() {
      return last?.seq;
    },
    get position() {
      return last === undefined || (last.seq === 0) !== (last.epoch === "") ? undefined : last;
    },
    get behind() {
      return last !== undefined && (foreign || head > last.seq);
    },
    get head() {
      return head;
    },
    accept(seq, epoch, item) {
      if (last !== undefined && seq <= last.seq) {
        // A past number of an unknown log epoch: a backup was restored during the connection. Only
        // the server can tell where to resume.
        if (epoch !== "" && epochs.size > 0 && !epochs.has(epoch)) {
          learn(epoch);
          foreign = true;
        }
        return [];
      }
      head = Math.max(head, seq);
      // At the limit the event is not kept: it counts as missing and will be pulled.
      if (held.size < HELD_EVENTS_MAX || seq === (last?.seq ?? -1) + 1)
        held.set(seq, { epoch, item });
      return release();
    },
    announce(newest) {
      head = Math.max(head, newest);
    },
    start(newest, epoch) {
      // Numbers beyond the head that came before it was known follow it; after a loss of the past
      // they may be of another log epoch, and come again.
      if (last !== undefined) held.clear();
      for (const seq of held.keys()) if (seq <= newest) held.delete(seq);
      last = { seq: newest, epoch };
      foreign = false;
      head = Math.max(newest, ...held.keys());
      learn(epoch);
      return release();
    },
    resume() {
      held.clear();
      foreign = false;
      head = last?.seq ?? 0;
    },
  };
}
