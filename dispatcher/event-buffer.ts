/**
 * Events that wait for a link: in order, bounded in number and bytes, and merged while they wait.
 *
 * When it is full the oldest live events go first, since they are worth least; durable ones only when
 * nothing else is left, since they can be pulled from the log. What goes is counted.
 */

import {
  createMergeRules,
  type Event,
  mergeEvents,
  mergeKeyOf,
  type Policy,
} from "@ovation/protocol";
import { sizeOf } from "./event-codec.ts";

export interface EventBufferOptions {
  readonly policy: Policy;
  readonly eventsMax: number;
  readonly bytesMax: number;
}

interface Entry {
  /** `undefined` once dropped. */
  event: Event | undefined;
  bytes: number;
  readonly since: number;
  readonly mergeName: string | undefined;
}

export interface EventBuffer {
  /** `now` is when the event began to wait, ms. */
  push(event: Event, now: number): void;
  /** The oldest events, up to these bounds (at least one, where there is one). */
  take(eventsMax: number, bytesMax: number): Event[];
  /** Drops live events that have waited since before `liveBefore`, durable ones since before `durableBefore`; answers how many. */
  expire(liveBefore: number, durableBefore: number): number;
  /** Since when the oldest event has waited, ms. */
  readonly oldest: number | undefined;
  readonly size: number;
  readonly bytes: number;
  readonly merged: number;
  readonly droppedFull: number;
  /** Of those that were dropped because it was full or that expired, the durable ones. */
  readonly durable: { readonly droppedFull: number; readonly expired: number };
}

export function createEventBuffer({
  policy,
  eventsMax,
  bytesMax,
}: EventBufferOptions): EventBuffer {
  const mergeRuleOf = createMergeRules(policy);
  /** From `head` on; what is before was taken. */
  let entries: Entry[] = [];
  let head = 0;
  /** Nothing live waits before this index. */
  let liveHead = 0;
  let size = 0;
  let bytes = 0;
  let merged = 0;
  let droppedFull = 0;
  const durable = { droppedFull: 0, expired: 0 };
  const mergeable = new Map<string, Entry>();

  function remove(entry: Entry): void {
    if (entry.event === undefined) return;
    entry.event = undefined;
    size--;
    bytes -= entry.bytes;
    if (entry.mergeName !== undefined && mergeable.get(entry.mergeName) === entry)
      mergeable.delete(entry.mergeName);
  }

  function dropOne(): void {
    for (liveHead = Math.max(liveHead, head); liveHead < entries.length; liveHead++) {
      const entry = entries[liveHead];
      if (entry?.event === undefined || entry.event.place !== undefined) continue;
      remove(entry);
      return;
    }
    for (let index = head; index < entries.length; index++) {
      const entry = entries[index];
      head = index + 1;
      if (entry?.event === undefined) continue;
      // Nothing live is left by now.
      durable.droppedFull++;
      remove(entry);
      return;
    }
  }

  /** Not only what was taken from the front: behind a durable event that waits lie the places of all that was dropped. */
  function compact(): void {
    if (entries.length < 1024 || entries.length < 2 * size) return;
    entries = entries.filter(({ event }) => event !== undefined);
    liveHead = 0;
    head = 0;
  }

  return {
    push(event, now) {
      const type = mergeRuleOf(event);
      const key = type === undefined ? undefined : mergeKeyOf(event, type);
      const mergeName = key === undefined ? undefined : `${event.topic} ${key}`;
      const earlier = mergeName === undefined ? undefined : mergeable.get(mergeName);
      if (type !== undefined && earlier?.event !== undefined) {
        earlier.event = mergeEvents(earlier.event, event, type);
        const grown = sizeOf(earlier.event);
        bytes += grown - earlier.bytes;
        earlier.bytes = grown;
        merged++;
      } else {
        const entry = { event, bytes: sizeOf(event), since: now, mergeName };
        entries.push(entry);
        if (mergeName !== undefined) mergeable.set(mergeName, entry);
        size++;
        bytes += entry.bytes;
      }
      while (size > 1 && (size > eventsMax || bytes > bytesMax)) {
        dropOne();
        droppedFull++;
      }
      compact();
    },

    take(count, byteCount) {
      const taken: Event[] = [];
      let takenBytes = 0;
      while (head < entries.length && taken.length < count) {
        const entry = entries[head];
        if (entry?.event !== undefined) {
          if (taken.length > 0 && takenBytes + entry.bytes > byteCount) break;
          taken.push(entry.event);
          takenBytes += entry.bytes;
          remove(entry);
        }
        head++;
      }
      if (head === entries.length) {
        entries = [];
        head = 0;
        liveHead = 0;
      }
      compact();
      return taken;
    },

    expire(liveBefore, durableBefore) {
      let expired = 0;
      for (let index = head; index < entries.length; index++) {
        const entry = entries[index];
        if (entry === undefined || entry.since >= Math.max(liveBefore, durableBefore)) break;
        if (
          entry.event === undefined ||
          entry.since >= (entry.event.place === undefined ? liveBefore : durableBefore)
        )
          continue;
        if (entry.event.place !== undefined) durable.expired++;
        remove(entry);
        expired++;
      }
      while (head < entries.length && entries[head]?.event === undefined) head++;
      compact();
      return expired;
    },

    get oldest() {
      while (head < entries.length && entries[head]?.event === undefined) head++;
      return entries[head]?.since;
    },
    get size() {
      return size;
    },
    get bytes() {
      return bytes;
    },
    get merged() {
      return merged;
    },
    get droppedFull() {
      return droppedFull;
    },
    durable,
  };
}
