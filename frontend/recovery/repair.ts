/**
 * Repair: the lane beside the fast one. A number that did not arrive is pulled from the log, one
 * read per topic however many viewers wait for it, and goes out in order as if it had come in time.
 */

import type { Clock, DurableEvent } from "@ovation/protocol";
import type { Hub, HubChannel } from "../broadcast/hub.ts";
import type { Counters } from "../counters.ts";
import {
  LOG_PAGE_EVENTS,
  REPAIR_DELAY_MS,
  REPAIR_RETRY_FIRST_MS,
  REPAIR_RETRY_LAST_MS,
} from "../limits.ts";
import { retry, sleep } from "../upstream/retry.ts";
import type { EventPage, Upstream } from "../upstream/upstream.ts";

export interface RepairOptions {
  readonly hub: Hub;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly random: () => number;
  readonly counters: Counters;
  /** The event was missing, and was pulled from the log. */
  onRepaired(event: DurableEvent): void;
  /**
   * What is missing is not in the log any more, or the log is another one: viewers must start over.
   */
  onUnrepairable(channel: HubChannel): void;
  onFailure(what: string, error: unknown): void;
}

interface Running {
  /** The number that has to be reached, as far as is known. */
  goal: number;
  readonly done: Promise<void>;
}

export class Repair {
  readonly #options: RepairOptions;
  readonly #running = new Map<HubChannel, Running>();
  readonly #verifying = new Map<HubChannel, Promise<unknown>>();

  constructor(options: RepairOptions) {
    this.#options = options;
  }

  /** Resolves when the channel has `seq`, or was forgotten. */
  reach(channel: HubChannel, seq: number): Promise<void> {
    if (channel.seq >= seq && !channel.hasHeld) return Promise.resolve();
    const running = this.#running.get(channel);
    if (running !== undefined) {
      running.goal = Math.max(running.goal, seq);
      return running.done;
    }
    const started: Running = { goal: seq, done: this.#run(channel, () => started.goal) };
    this.#running.set(channel, started);
    return started.done;
  }

  async #run(channel: HubChannel, goal: () => number): Promise<void> {
    const { hub, clock, counters, random } = this.#options;
    const gone = () => hub.channel(channel.topic) !== channel;
    try {
      // What is missing may only be late: another dispatcher's batch a little behind this one.
      // Not all frontends at once: the first one's page serves the others.
      await sleep(clock, REPAIR_DELAY_MS * (0.5 + random()));
      while (!gone() && (channel.seq < goal() || channel.hasHeld)) {
        if (!channel.hasRoom) {
          await sleep(clock, REPAIR_DELAY_MS);
          continue;
        }
        const asked = goal();
        const from = channel.seq;
        const heldBefore = channel.hasHeld;
        const page = await this.#read(channel, asked, gone);
        if (page === undefined) return;
        // The read may have been slow: later events are not in the page.
        if (page.head.seq < from || page.head.first > channel.seq + 1) {
          this.#options.onUnrepairable(channel);
          return;
        }
        const next = page.events[0];
        const isOfOtherEpoch =
          next !== undefined && channel.seq > 0 && next.place.epoch !== channel.epoch;
        if (isOfOtherEpoch && !(await this.#isOfThisLog(channel, gone))) return;
        const before = channel.seq;
        // Events that arrived during the question may be of another epoch than the page.
        const proven = before === from;
        if (proven) channel.dropHeld(page.events.at(-1)?.place.seq ?? 0);
        for (const event of page.events) {
          hub.watermark.noteStored(event.place.epoch, event.place.stamp);
          if (channel.takeDurable(event, proven) !== "taken") continue;
          counters.repaired++;
          this.#options.onRepaired(event);
        }
        hub.schedule(channel);
        // The log has nothing more: what was announced or held ahead of it was not from this log.
        // (What came while it was read is another matter.)
        if (
          channel.hasRoom &&
          channel.seq === before &&
          page.head.seq <= channel.seq &&
          goal() === asked &&
          channel.hasHeld === heldBefore
        ) {
          channel.known = channel.seq;
          channel.dropHeld();
          return;
        }
      }
    } finally {
      this.#running.delete(channel);
    }
  }

  /** There are signs of another epoch: asks the log whether it wrote the newest event here. */
  async verify(channel: HubChannel): Promise<void> {
    if (this.#verifying.has(channel)) return;
    const gone = () => this.#options.hub.channel(channel.topic) !== channel;
    const verified = this.#isOfThisLog(channel, gone);
    this.#verifying.set(channel, verified);
    await verified;
    this.#verifying.delete(channel);
  }

  /** Resolves when the log has answered for every channel that is being asked about now. */
  async verified(): Promise<void> {
    await Promise.all(this.#verifying.values());
  }

  /**
   * Whether the log wrote our newest event. Where it did not, or cannot know any more, viewers
   * start over.
   */
  async #isOfThisLog(channel: HubChannel, gone: () => boolean): Promise<boolean> {
    const { seq, epoch } = channel;
    const wrote = await this.#retry(
      () => this.#options.upstream.wrote(channel.topic, seq, epoch),
      gone,
    );
    if (wrote === undefined || gone()) return false;
    if (wrote !== "yes") this.#options.onUnrepairable(channel);
    return wrote === "yes";
  }

  #read(channel: HubChannel, goal: number, gone: () => boolean): Promise<EventPage | undefined> {
    return this.#retry(() => {
      this.#options.counters.repairReads++;
      const { topic, seq } = channel;
      return this.#options.upstream.read(topic, seq, LOG_PAGE_EVENTS, Math.max(goal, seq + 1));
    }, gone);
  }

  #retry<Value>(run: () => Promise<Value>, gone: () => boolean): Promise<Value | undefined> {
    const { clock, random, onFailure } = this.#options;
    return retry(
      { clock, random, firstMs: REPAIR_RETRY_FIRST_MS, longestMs: REPAIR_RETRY_LAST_MS },
      run,
      (error) => onFailure("repair", error),
      gone,
    );
  }
}
