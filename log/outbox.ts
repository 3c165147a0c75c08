/**
 * Events between their commit and the dispatcher, in order: one publish at a time, and everything
 * that was committed meanwhile is in the next one.
 *
 * No caller waits for it. What cannot be published is dropped and counted: a durable event is in
 * the log, and frontends that learn of its number pull it from there.
 */

import { type Event, isDurable } from "@ovation/protocol";
import { OUTBOX_BATCH_MAX, OUTBOX_EVENTS_MAX } from "./limits.ts";

export interface OutboxOptions {
  publish(events: readonly Event[]): Promise<void>;
  onDropped(events: number, reason: "full" | "failed", error?: unknown): void;
  readonly eventsMax?: number;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #eventsMax: number;
  #queue: Event[] = [];
  #publishing = 0;
  #running: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#eventsMax = options.eventsMax ?? OUTBOX_EVENTS_MAX;
  }

  /** Events that wait, and those that are being published. */
  get waiting(): number {
    return this.#queue.length + this.#publishing;
  }

  push(event: Event): void {
    if (this.#queue.length >= this.#eventsMax) {
      this.#options.onDropped(1, "full");
      return;
    }
    this.#queue.push(event);
    this.#running ??= this.#run();
  }

  /** Resolves when no event waits. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // The appends of one group commit resolve together: after this turn their events are together.
    await undefined;
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch();
      this.#publishing = batch.length;
      try {
        await this.#options.publish(inSeqOrder(batch));
      } catch (error) {
        this.#options.onDropped(batch.length, "failed", error);
      }
      this.#publishing = 0;
    }
    this.#running = undefined;
  }

  #takeBatch(): readonly Event[] {
    if (this.#queue.length > OUTBOX_BATCH_MAX) return this.#queue.splice(0, OUTBOX_BATCH_MAX);
    const all = this.#queue;
    this.#queue = [];
    return all;
  }
}

/** The same events, with the durable ones of each topic ascending. They nearly always are. */
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
