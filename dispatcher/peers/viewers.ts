/**
 * Viewers in other data centres: asked for, for the topics that somebody here wants to know of, every
 * {@link PEER_VIEWERS_EVERY_MS}. So nothing is kept in step between data centres: a number is as old as the
 * last answer, one that is not asked for costs nothing, and when a peer is cut off its numbers expire.
 *
 * Wraps the data centre's own counts: whoever asks for a total from now on has it with the others' in it.
 */

import type { Clock, Topic } from "@ovation/protocol";
import { Problem } from "@ovation/protocol";
import {
  DATACENTER_REPORTER_PREFIX,
  TableUnavailableError,
  type ViewerCounts,
} from "@ovation/table";
import { z } from "zod";
import { CallFailedError, type InternalClient } from "../internal/client.ts";
import { PEER_VIEWERS_PATH, PEER_VIEWERS_TOPICS_MAX, type Peer } from "./peer.ts";

export const PEER_VIEWERS_EVERY_MS = 2000;
/** How long another data centre's number counts without being asked for again. */
const NUMBER_MS = 7000;
/** A topic is asked for until nobody here has wanted it for this long. */
const WANTED_MS = 10_000;
const TIMEOUT_MS = 2000;

/** `null` where the peer does not know the number at the moment: the last one stays. */
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

export interface PeerViewers extends ViewerCounts {
  /** One more data centre, from now on. */
  add(peer: Peer): void;
}

export function createPeerViewers(options: PeerViewersOptions): PeerViewers {
  const { client, clock, counts, peers, onFailure } = options;
  const random = options.random ?? Math.random;
  /** Topic → when it was last wanted; the least recently wanted first. */
  const wanted = new Map<Topic, number>();
  const cancels = new Map<string, () => void>();
  let closed = false;

  function want(topics: readonly Topic[]): void {
    const now = clock.now();
    for (const topic of topics) {
      wanted.delete(topic);
      wanted.set(topic, now);
    }
    for (const [topic, at] of wanted) {
      if (wanted.size <= PEER_VIEWERS_TOPICS_MAX && at > now - WANTED_MS) break;
      wanted.delete(topic);
    }
  }

  function schedule(peer: Peer, round: number): void {
    const ms = PEER_VIEWERS_EVERY_MS * (0.8 + random() * 0.4);
    cancels.set(
      peer.name,
      clock.after(
        ms,
        () => void ask(peer, round).finally(() => closed || schedule(peer, round + 1)),
      ),
    );
  }

  async function ask(peer: Peer, round: number): Promise<void> {
    want([]);
    const topics = [...wanted.keys()];
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

  for (const peer of peers) schedule(peer, 0);
  return {
    add: (peer) => schedule(peer, 0),
    report: (reporter, numbers, ttlMs) => counts.report(reporter, numbers, ttlMs),
    release: (reporter) => counts.release(reporter),
    totals(topics) {
      want(topics);
      return counts.totals(topics);
    },
    async close() {
      closed = true;
      for (const cancel of cancels.values()) cancel();
      await counts.close();
    },
  };
}
