/**
 * Replay: the pages of what a connection missed of a topic, from the history or the log. Pages are
 * cut at fixed numbers and kept for a moment, read and encoded once: thousands of clients that
 * return to a video together cost one read and one encoding a page.
 */

import {
  Cache,
  type Clock,
  type DurableEvent,
  fitToFrame,
  formatPosition,
  type TopicPosition,
} from "@ovation/protocol";
import { formatEvents } from "../broadcast/batch.ts";
import type { Channel } from "../broadcast/channel.ts";
import { Encoded } from "../broadcast/encoding.ts";
import type { WireForm } from "../connections/wire-form.ts";
import type { Counters } from "../counters.ts";
import {
  LOG_PAGE_EVENTS,
  PAGE_CACHE_MS,
  PAGES_CACHED_BYTES_MAX,
  PAGES_CACHED_MAX,
} from "../limits.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { LogReads } from "./log-reads.ts";

export interface ReplayOptions {
  readonly upstream: Upstream;
  readonly reads: LogReads;
  readonly clock: Clock;
  readonly counters: Counters;
}

/** Events with numbers above `from` up to `to`, which lie in one page. */
export interface PageRange {
  readonly channel: Channel;
  readonly from: number;
  readonly to: number;
  /** What all ids of the page begin with: where the connection's other topics stand. */
  readonly prefix: string;
}

export interface PageBytes {
  readonly bytes: Uint8Array;
  /** They were made for another request. */
  readonly isShared: boolean;
}

/** The log does not have what is missing. */
export class ReplayLostError extends Error {
  override readonly name = "ReplayLostError";
}

export class Replay {
  readonly #options: ReplayOptions;
  readonly #pages: Cache<readonly DurableEvent[]>;
  readonly #encoded: Cache<Encoded>;

  constructor(options: ReplayOptions) {
    this.#options = options;
    const limits = {
      ageMs: PAGE_CACHE_MS,
      entriesMax: PAGES_CACHED_MAX,
      weightMax: PAGES_CACHED_BYTES_MAX,
    };
    this.#pages = new Cache(options.clock, limits);
    this.#encoded = new Cache(options.clock, limits);
  }

  /** The end of the page that follows `seq`, at most `to`. */
  pageEnd(seq: number, to: number): number {
    return Math.min(to, (Math.floor(seq / LOG_PAGE_EVENTS) + 1) * LOG_PAGE_EVENTS);
  }

  /**
   * The page's frames, where they or its events are in memory, or were `loaded`; `undefined` where
   * the log has to be read: see `load`.
   */
  take(range: PageRange, form: WireForm, loaded?: readonly DurableEvent[]): PageBytes | undefined {
    const { channel, from, to, prefix } = range;
    const key = `${prefix} ${channel.topic} ${channel.epoch} ${from} ${to}`;
    const known = this.#encoded.get(key);
    if (known !== undefined) return { bytes: known.bytes(form), isShared: true };
    const events = loaded ?? this.#remembered(range);
    if (events === undefined) return undefined;
    // Every durable event has an id of its own, so what stood before the first does not matter.
    const made = Encoded.ofText(formatEvents(prefix, channel.mark, channel.batched, events));
    this.#encoded.set(key, made, made.length);
    return { bytes: made.bytes(form), isShared: false };
  }

  /** Reads the range from the log; concurrent calls for the same page share the read. */
  async load(address: string, range: PageRange): Promise<readonly DurableEvent[]> {
    const key = pageKey(range);
    const { topic } = range.channel;
    const page = await this.#options.reads.read(address, key, async () => {
      this.#options.counters.recoveryReads++;
      const start = pageStart(range);
      const { upstream } = this.#options;
      const read = await upstream.read(topic, start, LOG_PAGE_EVENTS, range.to);
      const events = read.events.map((event) => this.#fit(event));
      const weight = events.reduce((sum, { data }) => sum + data.length, 0);
      this.#pages.set(key, events, weight);
      return events;
    });
    const events = within(page, range);
    if (events === undefined)
      throw new ReplayLostError(`${topic}: ${range.from + 1} to ${range.to} are not in the log`);
    return events;
  }

  #fit(event: DurableEvent): DurableEvent {
    const fitting = fitToFrame(event);
    if (fitting === event) return event;
    this.#options.counters.pending.oversized++;
    return { ...fitting, place: event.place };
  }

  #remembered(range: PageRange): readonly DurableEvent[] | undefined {
    const { channel, from, to } = range;
    const remembered = channel.buffer?.history?.after(from, to);
    if (remembered !== undefined) return remembered;
    const page = this.#pages.get(pageKey(range));
    return page === undefined ? undefined : within(page, range);
  }
}

/** The events of the range; `undefined` where one is missing. */
function within(
  page: readonly DurableEvent[],
  { from, to }: PageRange,
): readonly DurableEvent[] | undefined {
  const events = page.filter(({ place }) => place.seq > from && place.seq <= to);
  return events.length === to - from ? events : undefined;
}

function pageStart({ from }: PageRange): number {
  return Math.floor(from / LOG_PAGE_EVENTS) * LOG_PAGE_EVENTS;
}

/**
 * A page read before it was full differs from the full one; a page of another epoch differs too.
 */
function pageKey(range: PageRange): string {
  const { channel, to } = range;
  const start = pageStart(range);
  const end = to >= start + LOG_PAGE_EVENTS ? "" : to;
  return `page ${channel.topic} ${channel.epoch} ${start} ${end}`;
}

/** The id of a first event: where each topic starts. */
export function formatStandings(standings: ReadonlyMap<Channel, TopicPosition>): string {
  return formatPosition(
    [...standings].map(([channel, position]) => [channel.topic, position] as const),
  );
}
