/**
 * The write path of the durable lane, the same for comments, members and publishers:
 *
 *   append, in one transaction → leave out what the log had already → publish, in commit order
 *
 * Invariants: an event is published after its commit, never before; a retry with the same key is
 * published once; the events of concurrent calls are handed over in the order of their commits.
 * A process that dies between commit and publish leaves durable events to the repair lane.
 */

import { type Event, Problem } from "@ovation/protocol";
import type { Appended, Log, LogEntry } from "./log.ts";

export interface WriteEntry extends LogEntry {
  /**
   * `store`: no client can subscribe to the topic. `publish`: a live event, handed over in its turn
   * among the others. Default: both.
   */
  readonly only?: "store" | "publish";
}

/** By entry. `undefined`: a live one. */
export type Written = readonly (Appended | undefined)[];

export interface DurableWriterOptions {
  readonly log: Pick<Log, "append">;
  /** Called in commit order. A caller of `write` waits for the promise, where there is one. */
  /** A promise is awaited. */
  publish(events: readonly Event[]): unknown;
}

export class DurableWriter {
  readonly #options: DurableWriterOptions;

  constructor(options: DurableWriterOptions) {
    this.#options = options;
  }

  /**
   * Resolves after the commit. Rejects with the error of the log, nothing is stored or published
   * then; and with the Problem of `publish` where live events are lost with it.
   */
  async write(entries: readonly WriteEntry[]): Promise<Written> {
    const stored = entries.filter(({ only }) => only !== "publish");
    const appended = stored.length === 0 ? [] : await this.#options.log.append(stored);
    const isMixed = stored.length < entries.length;
    const written = isMixed ? alignTo(entries, appended) : appended;
    const events = newEvents(entries, written);
    if (events.length === 0) return written;
    try {
      const published = this.#options.publish(events);
      if (published !== undefined) await published;
    } catch (error) {
      // The repair lane delivers durable events; only lost live ones concern the caller.
      if (isMixed || !(error instanceof Problem)) throw error;
    }
    return written;
  }
}

function alignTo(entries: readonly WriteEntry[], appended: readonly Appended[]): Written {
  let next = 0;
  return entries.map(({ only }) => (only === "publish" ? undefined : appended[next++]));
}

function newEvents(entries: readonly WriteEntry[], written: Written): readonly Event[] {
  const events: Event[] = [];
  entries.forEach(({ topic, type, at, data, only }, index) => {
    if (only === "store") return;
    if (only === "publish") {
      events.push({ topic, type, at, data });
      return;
    }
    const one = written[index];
    if (one === undefined) throw new Error("the log returned no result for an entry");
    if (!one.duplicate) events.push({ topic, type, at, data, place: one.place });
  });
  return events;
}
