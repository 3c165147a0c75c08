/**
 * Viewers in other data centres: every {@link PEER_VIEWERS_EVERY_MS} each peer is asked for the
 * counts of the topics that are wanted here. So nothing is kept in step between data centres: a
 * count is as old as the last response, one that is not wanted costs nothing, and the counts of an
 * unreachable peer expire.
 *
 * Wraps the data centre's own counts: totals include the other data centres.
 */

import { type Clock, Problem, type Topic } from "@ovation/protocol";
import {
  DATACENTER_REPORTER_PREFIX,
  TableUnavailableError,
  type ViewerCounts,
} from "@ovation/table";
import { z } from "zod";
import { CallFailedError, type InternalClient } from "../internal/client.ts";
import { PEER_VIEWERS_PATH, PEER_VIEWERS_TOPICS_MAX, type Peer } from "./peer.ts";

export const PEER_VIEWERS_EVERY_MS = 2000;
/** How long the count of another data centre is valid. */
const NUMBER_MS = 7000;
/** How long a topic stays wanted after its last total. */
const WANTED_MS = 10_000;
const TIMEOUT_MS = 2000;

/** `null` where the peer does not know the count now: the last one stays. */
const Answer = z.object({
  viewers: z.array(z.int().min(0).max(1e9).nullable()).max(PEER_VIEWERS_TOPICS_MAX),
});

export interface PeerViewersOptions {
  readonly counts: ViewerCounts;
  readonly peers: readonly Peer[];
  /** Calls as `datacenter NAME id`. */
  readonly client: InternalClient;
  readonly clock: Clock;
  random?(): number;
  onFailure(what: string, error: unknown): void;
}

export class PeerViewers implements ViewerCounts {
  readonly #options: PeerViewersOptions;
  /** Topic → when it was last wanted; the least recently wanted first. */
  readonly #wanted = new Map<Topic, number>();
  readonly #cancels = new Map<string, () => void>();
  #isClosed = false;

  constructor(options: PeerViewersOptions) {
    this.#options = options;
    for (const peer of options.peers) this.add(peer);
  }

  /** Adds a data centre. */
  add(peer: Peer): void {
    this.#schedule(peer, 0);
  }

  report(...report: Parameters<ViewerCounts["report"]>): Promise<void> {
    return this.#options.counts.report(...report);
  }

  release(...release: Parameters<ViewerCounts["release"]>): Promise<void> {
    return this.#options.counts.release(...release);
  }

  totals(topics: readonly Topic[]): ReturnType<ViewerCounts["totals"]> {
    this.#want(topics);
    return this.#options.counts.totals(topics);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#cancels.values()) cancel();
    await this.#options.counts.close();
  }

  #want(topics: readonly Topic[]): void {
    const now = this.#options.clock.now();
    for (const topic of topics) {
      this.#wanted.delete(topic);
      this.#wanted.set(topic, now);
    }
    for (const [topic, at] of this.#wanted) {
      if (this.#wanted.size <= PEER_VIEWERS_TOPICS_MAX && at > now - WANTED_MS) break;
      this.#wanted.delete(topic);
    }
  }

  #schedule(peer: Peer, round: number): void {
    const { clock, random = Math.random } = this.#options;
    const cancel = clock.after(PEER_VIEWERS_EVERY_MS * (0.8 + random() * 0.4), () => {
      void this.#ask(peer, round).finally(() => {
        if (!this.#isClosed) this.#schedule(peer, round + 1);
      });
    });
    this.#cancels.set(peer.name, cancel);
  }

  async #ask(peer: Peer, round: number): Promise<void> {
    const { client, counts, onFailure } = this.#options;
    this.#want([]);
    const topics = [...this.#wanted.keys()];
    if (topics.length === 0) return;
    const url = peer.urls[round % peer.urls.length] ?? "";
    try {
      const body = JSON.stringify({ topics });
      const answer = Answer.parse(
        await client.call(url, PEER_VIEWERS_PATH, body, { timeoutMs: TIMEOUT_MS, to: peer.name }),
      );
      const numbers = topics.flatMap((topic, index) => {
        const viewers = answer.viewers[index];
        return viewers === null || viewers === undefined ? [] : { topic, viewers };
      });
      await counts.report(DATACENTER_REPORTER_PREFIX + peer.name, numbers, NUMBER_MS);
    } catch (error) {
      const isExpected =
        error instanceof CallFailedError ||
        error instanceof Problem ||
        error instanceof TableUnavailableError ||
        error instanceof z.ZodError;
      if (!isExpected) throw error;
      onFailure(`viewers of ${peer.name}`, error);
    }
  }
}
