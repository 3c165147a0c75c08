/**
 * Replay: sends a connection what it missed of a topic, from the history or the log, page by page.
 * Pages are cut at fixed numbers and kept for a moment, read and encoded once: thousands who return
 * to the same video at the same time cost one read a page.
 */

import {
  type Clock,
  type DurableEvent,
  formatEnvelope,
  formatFrame,
  formatPosition,
  formatTopicPosition,
  type TopicPosition,
} from "@ovation/protocol";
import { formatEvents } from "./batch.ts";
import type { Channel } from "./channel.ts";
import type { Counters } from "./counters.ts";
import { Encoded } from "./encoding.ts";
import { LOG_PAGE_EVENTS, PAGE_CACHE_MS, PAGES_CACHED_MAX } from "./limits.ts";
import { Recent } from "./recent.ts";
import type { Upstream } from "./upstream.ts";
import type { WireForm } from "./wire-form.ts";

/** The id of a frame that speaks to one connection: it lists the topics. */
const LISTED = "1~~~";

export interface ReplayOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly counters: Counters;
}

/** The log does not have what is missing. */
export class ReplayLostError extends Error {
  override readonly name = "ReplayLostError";
}

export class Replay {
  readonly #options: ReplayOptions;
  readonly #pages: Recent<readonly DurableEvent[]>;
  readonly #encoded: Recent<Encoded>;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#pages = new Recent(options.clock, PAGE_CACHE_MS, PAGES_CACHED_MAX);
    this.#encoded = new Recent(options.clock, PAGE_CACHE_MS, PAGES_CACHED_MAX);
  }

  /** The end of the page that follows `seq`, at most `to`. */
  pageEnd(seq: number, to: number): number {
    return Math.min(to, (Math.floor(seq / LOG_PAGE_EVENTS) + 1) * LOG_PAGE_EVENTS);
  }

  /** Events with numbers above `from` up to `to`, which lie in one page. */
  async events(channel: Channel, from: number, to: number): Promise<readonly DurableEvent[]> {
    const remembered = channel.flow?.history?.after(from, to);
    if (remembered !== undefined) return remembered;
    const start = Math.floor(from / LOG_PAGE_EVENTS) * LOG_PAGE_EVENTS;
    const page = await this.#page(channel, start, to);
    const events = page.filter((event) => event.place.seq > from && event.place.seq <= to);
    if (events.length !== to - from)
      throw new ReplayLostError(`${channel.topic}: ${from + 1} to ${to} are not in the log`);
    return events;
  }

  #page({ topic, epoch }: Channel, start: number, to: number): Promise<readonly DurableEvent[]> {
    // A page that was read before it was full is another one than the full page.
    const full = to >= start + LOG_PAGE_EVENTS;
    // What another life of the log wrote is another page.
    return this.#pages.get(`${topic} ${epoch} ${start} ${full ? "" : to}`, async () => {
      this.#options.counters.recoveryReads++;
      return (await this.#options.upstream.read(topic, start, LOG_PAGE_EVENTS)).events;
    });
  }

  /** The frames for a connection with one topic: the same bytes for all who stand at the same place. */
  async shared(
    channel: Channel,
    from: TopicPosition,
    to: number,
    form: WireForm,
  ): Promise<Uint8Array> {
    const encoded = await this.#encoded.get(
      `${channel.topic} ${channel.epoch} ${from.seq} ${to}`,
      async () => {
        const events = await this.events(channel, from.seq, to);
        return Encoded.ofText(formatEvents(LISTED, channel.mark, from, events));
      },
    );
    return encoded.bytes(form);
  }

  /**
   * The frames for a connection with several topics. `standings` says where each of them is, and is
   * moved on: cut at any frame, the client returns with exactly what it has of every topic.
   */
  async listed(
    channel: Channel,
    standings: Map<Channel, TopicPosition>,
    from: number,
    to: number,
  ): Promise<string> {
    let others = LISTED;
    for (const [other, position] of standings)
      if (other !== channel) others += formatTopicPosition(other.mark, position);
    let text = "";
    for (const event of await this.events(channel, from, to)) {
      const position = { seq: event.place.seq, epoch: event.place.epoch };
      standings.set(channel, position);
      text += formatFrame(
        others + formatTopicPosition(channel.mark, position),
        event.type,
        formatEnvelope(event),
      );
    }
    return text;
  }
}

/** The id of a first event: where each topic starts. */
export function formatStandings(standings: ReadonlyMap<Channel, TopicPosition>): string {
  return formatPosition(
    [...standings].map(([channel, position]) => [channel.topic, position] as const),
  );
}
