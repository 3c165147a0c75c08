/**
 * Events on their way from the commit to the dispatcher, in order: one publish at a time, and
 * everything that was committed meanwhile goes with the next one.
 *
 * Nobody waits for it. What cannot be published is dropped and counted: a durable event is in the
 * log, and frontends that see its number announced pull it from there.
 */

import { type Event, isDurable } from "@ovation/protocol";
import { OUTBOX_BATCH_MAX, OUTBOX_EVENTS_MAX } from "./limits.ts";

export type Publish = (events: readonly Event[]) => Promise<void>;

export interface OutboxOptions {
  readonly publish: Publish;
  onDropped(events: number, reason: "full" | "failed", error?: unknown): void;
  readonly eventsMax?: number;
}

export interface Outbox {
  push(event: Event): void;
  /** Events that wait, with those being published. */
  readonly waiting: number;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

export function createOutbox(options: OutboxOptions): Outbox {
  const eventsMax = options.eventsMax ?? OUTBOX_EVENTS_MAX;
  let queue: Event[] = [];
  let publishing = 0;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    // One turn of the microtask queue: the comments of one group commit resolve together and go together.
    await undefined;
    while (queue.length > 0) {
      const batch = queue.length <= OUTBOX_BATCH_MAX ? queue : queue.slice(0, OUTBOX_BATCH_MAX);
      queue = batch === queue ? [] : queue.slice(OUTBOX_BATCH_MAX);
      publishing = batch.length;
      try {
        await options.publish(inSeqOrder(batch));
      } catch (error) {
        options.onDropped(batch.length, "failed", error);
      }
      publishing = 0;
    }
    running = undefined;
  }

  return {
    push(event) {
      if (queue.length >= eventsMax) {
        options.onDropped(1, "full");
        return;
      }
      queue.push(event);
      running ??= run();
    },
    get waiting() {
      return queue.length + publishing;
    },
    async idle() {
      while (running !== undefined) await running;
    },
  };
}

/** The same events with the durable ones of each topic ascending. They nearly always are. */
export function inSeqOrder(events: readonly Event[]): readonly Event[] {
  const newest = new Map<string, number>();
  let ordered = true;
  for (const event of events) {
    if (!isDurable(event)) continue;
    if ((newest.get(event.topic) ?? 0) > event.place.seq) ordered = false;
    newest.set(event.topic, event.place.seq);
  }
  if (ordered) return events;
  const live = events.filter((event) => !isDurable(event));
  const durable = events.filter(isDurable);
  durable.sort((a, b) =>
    a.topic === b.topic ? a.place.seq - b.place.seq : a.topic < b.topic ? -1 : 1,
  );
  return [...durable, ...live];
}
