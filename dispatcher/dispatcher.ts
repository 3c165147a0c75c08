/**
 * The dispatcher: takes events from any backend, looks up which frontends have a subscriber, and
 * sends each frontend its events, once; and once to every other data centre. Any dispatcher
 * can do any of it: what one keeps are copies of the log (`reports/`, `shared-pages.ts`), and one
 * that dies loses only what was in flight.
 *
 * Follow one publish: `publish` → merge → lookup (one pipelined read of the distinct topics, no
 * cache) → dispatch (`FrontendLinks.send`, never awaited); beside it forward (`Peers`).
 */

import type {
  ConnectionChange,
  ConnectionChangeResult,
  EventPage,
  Report,
  TopicHead,
  UpstreamChange,
} from "@ovation/frontend";
import type { Head, Log } from "@ovation/log";
import {
  type Clock,
  countDurable,
  countGaps,
  createMergeRules,
  type Epoch,
  type Event,
  type FrontendId,
  frontendOf,
  isDurable,
  type MergeRules,
  type Moment,
  type Policy,
  Problem,
  type StaffMember,
  type Stamp,
  type Topic,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import {
  type FrontendAddress,
  type LeaseMark,
  type SubscriptionTable,
  TableUnavailableError,
  type ViewerCounts,
} from "@ovation/table";
import type { DispatcherApi, TopicViewers } from "./dispatcher-api.ts";
import { PUBLISHES_IN_FLIGHT_MAX, VIEWERS_TTL_MS } from "./limits.ts";
import type { FrontendCalls } from "./links/frontend-calls.ts";
import type { FrontendLinks } from "./links/links.ts";
import { mergeBatch } from "./merge-batch.ts";
import { RecentHeads } from "./reports/recent-heads.ts";
import { SharedPages } from "./shared-pages.ts";

export interface DispatcherOptions {
  readonly table: SubscriptionTable;
  readonly counts: ViewerCounts;
  readonly log: Log;
  readonly links: FrontendLinks;
  readonly calls: FrontendCalls;
  readonly policy: Policy;
  readonly clock: Clock;
  /** To every other data centre; absent where there is none. Never waits, never throws. */
  forward?(events: readonly Event[]): void;
  /** The members that are connected now, for presence. */
  onPresent?(members: readonly string[], staff: readonly StaffMember[]): Promise<void>;
  /** The guests that have become members. Absent where no members are kept. */
  upgradedOf?(guests: readonly string[]): Promise<readonly string[]>;
  onFailure(what: string, error: unknown): void;
}

/** Counted by lane as well. */
export type LaneCounter = "published" | "received" | "dispatched" | "unsubscribed" | "refused";

export interface DispatcherCounters {
  /** The durable ones among the others. */
  readonly durable: Record<LaneCounter, number>;
  published: number;
  lookups: number;
  dispatched: number;
  /** Events of topics that no frontend of this data centre has. */
  unsubscribed: number;
  received: number;
  merged: number;
  refused: number;
}

/** The topic to which a frontend subscribes itself: its row has the URL of the frontend. */
export function topicOfFrontend(frontend: FrontendId): Topic {
  return topicOf("frontend", frontend);
}

export class Dispatcher implements DispatcherApi {
  readonly counters: DispatcherCounters = {
    published: 0,
    lookups: 0,
    dispatched: 0,
    unsubscribed: 0,
    received: 0,
    merged: 0,
    refused: 0,
    durable: { published: 0, received: 0, dispatched: 0, unsubscribed: 0, refused: 0 },
  };
  readonly #options: DispatcherOptions;
  readonly #mergeRules: MergeRules;
  readonly #pages: SharedPages;
  readonly #heads: RecentHeads;
  #inFlight = 0;
  /** Resolves when every dispatch so far was sent or has failed. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#mergeRules = createMergeRules(options.policy);
    this.#heads = new RecentHeads(options.log, options.clock);
    this.#pages = new SharedPages(options.clock, async ({ topic, ...query }) => {
      const { events, head } = await options.log.read(topic, query);
      return { events, head: toTopicHead(head) };
    });
  }

  /**
   * Sends the events to the frontends with a subscriber, here and in the other data centres.
   * Resolves when they are in flight, with the number of copies that links dropped because a bound
   * was reached. Rejects with `unavailable` where the lookup failed: then nothing live was sent, so
   * that a retry cannot duplicate it.
   */
  async publish(events: readonly Event[]): Promise<number> {
    this.#tally("published", events);
    const merged = this.#merge(events);
    let forwarded = merged;
    try {
      return await this.#dispatch(merged);
    } catch (error) {
      // The other data centres get durable events even while the table of this one is unreachable.
      forwarded = merged.filter(isDurable);
      throw error;
    } finally {
      if (forwarded.length > 0) this.#options.forward?.(forwarded);
    }
  }

  /** Events from another data centre: for the frontends here, and no further. */
  async receive(events: readonly Event[]): Promise<void> {
    this.#tally("received", events);
    await this.#dispatch(events);
  }

  #tally(counter: LaneCounter, events: readonly Event[]): void {
    this.counters[counter] += events.length - countGaps(events);
    this.counters.durable[counter] += countDurable(events);
  }

  #merge(events: readonly Event[]): readonly Event[] {
    const merged = mergeBatch(events, this.#mergeRules);
    this.counters.merged += events.length - merged.length;
    return merged;
  }

  /** Lookups run concurrently; events are sent in the order of the calls. */
  async #dispatch(events: readonly Event[]): Promise<number> {
    if (events.length === 0) return 0;
    if (this.#inFlight >= PUBLISHES_IN_FLIGHT_MAX) {
      this.#tally("refused", events);
      throw new Problem("unavailable", "the dispatcher has too many lookups in flight", {
        retryAfterMs: 1000,
      });
    }
    this.#inFlight++;
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    try {
      const found = await this.#lookUp(events);
      await before;
      return this.#send(events, found);
    } finally {
      this.#inFlight--;
      // A later dispatch waits for all earlier ones, also where this one failed at once.
      resolve(before);
    }
  }

  async #lookUp(events: readonly Event[]): Promise<ReadonlyMap<Topic, readonly FrontendAddress[]>> {
    const topics = [...new Set(events.map((event) => event.topic))];
    this.counters.lookups += topics.length;
    try {
      const found = await this.#options.table.lookup(topics);
      return new Map(topics.map((topic, index) => [topic, found[index] ?? []]));
    } catch (error) {
      this.#tally("refused", events);
      throw this.#unavailable("lookup", error);
    }
  }

  #send(
    events: readonly Event[],
    frontends: ReadonlyMap<Topic, readonly FrontendAddress[]>,
  ): number {
    const shares = new Map<
      FrontendId,
      { readonly address: FrontendAddress; readonly events: Event[] }
    >();
    for (const event of events) {
      const addresses = frontends.get(event.topic) ?? [];
      if (addresses.length === 0) this.#tally("unsubscribed", [event]);
      for (const address of addresses) {
        const share = shares.get(address.id);
        if (share === undefined) shares.set(address.id, { address, events: [event] });
        else share.events.push(event);
      }
    }
    let dropped = 0;
    for (const { address, events: share } of shares.values()) {
      this.#tally("dispatched", share);
      dropped += this.#options.links.send(address, share);
    }
    return dropped;
  }

  async change(
    frontend: FrontendAddress,
    changes: readonly UpstreamChange[],
  ): Promise<readonly TopicHead[]> {
    await this.#tabled("change", () => this.#options.table.change(frontend.id, changes));
    const subscribed = changes.filter((change) => change.subscribed).map((change) => change.topic);
    if (subscribed.length === 0) return [];
    const heads = await this.#options.log.heads(subscribed);
    return heads.map((head) => ({ ...toTopicHead(head), stamp: head.stamp }));
  }

  async report(
    frontend: FrontendAddress,
    viewers: readonly TopicViewers[],
    since: Stamp,
  ): Promise<Report> {
    const totals = await this.#count(frontend, viewers);
    const { heads, stamp, epoch, more } = await this.#heads.changes({ since });
    return { viewers: totals, heads: heads.map(toTopicHead), stamp, epoch, more };
  }

  /** Without the table there are no totals; missed events are found all the same. */
  async #count(
    frontend: FrontendAddress,
    viewers: readonly TopicViewers[],
  ): Promise<readonly TopicViewers[]> {
    const { counts, onFailure } = this.#options;
    try {
      await counts.report(frontend.id, viewers, VIEWERS_TTL_MS);
      const totals = await counts.totals(viewers.map(({ topic }) => topic));
      return viewers.flatMap(({ topic }, index) => {
        const total = totals[index];
        return total === undefined ? [] : { topic, viewers: total.all };
      });
    } catch (error) {
      if (!(error instanceof TableUnavailableError)) throw error;
      onFailure("viewers", error);
      return [];
    }
  }

  /** Reads of the log for the heads in reports, so far. */
  get headReads(): number {
    return this.#heads.reads;
  }

  /** Viewers in all data centres, for lists of videos. A topic of unknown number is absent. */
  async viewers(topics: readonly Topic[]): Promise<ReadonlyMap<Topic, number>> {
    const totals = await this.#tabled("viewers", () => this.#options.counts.totals(topics));
    return new Map(
      topics.flatMap((topic, index) => {
        const total = totals[index];
        return total === undefined ? [] : [[topic, total.all] as const];
      }),
    );
  }

  read(topic: Topic, after: number, limit: number, need?: number): Promise<EventPage> {
    return this.#pages.read({ topic, after, limit }, need);
  }

  wrote(topic: Topic, seq: number, epoch: Epoch): Promise<"yes" | "no" | "unknown"> {
    return this.#options.log.wrote(topic, seq, epoch);
  }

  reached(moment: Moment): Promise<boolean> {
    return this.#options.log.reached(moment);
  }

  async headAt(topic: Topic, stamp: Stamp): Promise<TopicHead> {
    return toTopicHead(await this.#options.log.headAt(topic, stamp));
  }

  async changeConnection(change: ConnectionChange): Promise<ConnectionChangeResult> {
    const topic = topicOfFrontend(frontendOf(change.connection));
    const [found] = await this.#tabled("lookup", () => this.#options.table.lookup([topic]));
    const address = found?.[0];
    return address === undefined
      ? { ok: false, error: "unknown-connection" }
      : this.#options.calls.changeConnection(address, change);
  }

  async present(members: readonly string[], staff: readonly StaffMember[]): Promise<void> {
    await this.#options.onPresent?.(members, staff);
  }

  async upgraded(guests: readonly string[]): Promise<readonly string[]> {
    return (await this.#options.upgradedOf?.(guests)) ?? [];
  }

  async renew(frontend: FrontendAddress, ttlMs: number): Promise<LeaseMark> {
    return this.#tabled("renew", () => this.#options.table.renew(frontend, ttlMs));
  }

  async release(frontend: FrontendId): Promise<void> {
    await this.#tabled("release", async () => {
      await this.#options.table.release(frontend);
      await this.#options.counts.release(frontend);
    });
  }

  /**
   * The process of a frontend died without unregistering. Its viewers fail over to other frontends
   * before its lease ends, and must not count twice. A frontend that is alive after all is counted
   * again with its next report.
   */
  async dropViewersOf(frontend: FrontendId): Promise<void> {
    const { counts, onFailure } = this.#options;
    try {
      await counts.release(frontend);
    } catch (error) {
      if (!(error instanceof TableUnavailableError)) throw error;
      onFailure("viewers", error);
    }
  }

  /** Dispatched like any event, but not counted as one. */
  async probe(frontend: FrontendId, number: number): Promise<void> {
    const probe: Event = {
      topic: topicOfFrontend(frontend),
      type: "canary",
      at: 0,
      data: toJsonText(number),
    };
    const [found] = await this.#tabled("lookup", () => this.#options.table.lookup([probe.topic]));
    if (found?.[0] === undefined)
      throw new Problem("unavailable", "the frontend has no row", { retryAfterMs: 1000 });
    this.#options.links.send(found[0], [probe]);
  }

  async #tabled<Value>(what: string, run: () => Promise<Value>): Promise<Value> {
    try {
      return await run();
    } catch (error) {
      throw this.#unavailable(what, error);
    }
  }

  #unavailable(what: string, error: unknown): unknown {
    if (!(error instanceof TableUnavailableError)) return error;
    this.#options.onFailure(what, error);
    return new Problem("unavailable", "the subscription table cannot be reached", {
      retryAfterMs: 1000,
    });
  }
}

function toTopicHead({ topic, seq, epoch, first }: Head): TopicHead {
  return { topic, seq, epoch, first };
}
