/**
 * Likes: added up in memory, stored and published together every 250 ms at most.
 * `+n` travels with the exact total of all processes, so that a lost event heals with the next one.
 *
 * While nothing can be stored (the disk is full, the database is away) likes are published all the same, with a total that counts
 * what this process knows of; what they were is stored when that is possible again, and published no second time.
 *
 * A like is accepted when it is counted here; a crash of the process loses what was accepted since the
 * last flush, never more.
 */

import {
  type Clock,
  type Event,
  Problem,
  type Topic,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import {
  COUNT_FLUSH_FIRST_MS,
  COUNT_FLUSH_MS,
  COUNT_FLUSH_VIDEOS_MAX,
  COUNTED_VIDEOS_MAX,
  TOTALS_KEPT_MAX,
} from "./limits.ts";
import type { VideoStore } from "./video-store.ts";

type Likes = Readonly<Record<string, number>>;

interface Pending {
  readonly topic: Topic;
  readonly likes: Record<string, number>;
  /** Of those, what was published although it could not be stored. */
  said: Likes;
}

export interface LikeCounterOptions {
  readonly store: VideoStore;
  readonly clock: Clock;
  push(event: Event): void;
  onFailure(error: unknown): void;
}

export interface LikeCounter {
  /** Counts likes; answers all totals of the video with them. */
  like(videoId: string, kind: string, count: number): Promise<Likes>;
  /** All totals of a video of which the store says `read`, with those that are not stored yet. */
  totals(videoId: string, read: Likes): Likes;
  /** Videos with likes that are not stored yet. */
  readonly waiting: number;
  /** Stores and publishes what waits now. */
  flush(): Promise<void>;
  /** Flushes, and stops. */
  close(): Promise<void>;
}

export function createLikeCounter(options: LikeCounterOptions): LikeCounter {
  const { store, clock } = options;
  const pending = new Map<string, Pending>();
  /** Being stored at the moment: no longer pending, not yet in the totals. */
  let inFlight = new Map<string, Pending>();
  /** Totals as stored, of videos that were liked lately. */
  const stored = new Map<string, Likes>();
  let flushedAt = 0;
  let cancel: (() => void) | undefined;
  let flushing: Promise<void> = Promise.resolve();
  let closed = false;

  function pendingOf(videoId: string): Pending | undefined {
    let entry = pending.get(videoId);
    if (entry === undefined) {
      if (pending.size >= COUNTED_VIDEOS_MAX) return undefined;
      entry = { topic: topicOf("video", videoId), likes: {}, said: {} };
      pending.set(videoId, entry);
    }
    schedule();
    return entry;
  }

  function schedule(): void {
    if (cancel !== undefined || closed) return;
    // Bounded, because a clock that was set back says that the last flush lies ahead.
    const waitMs = Math.min(COUNT_FLUSH_MS, flushedAt + COUNT_FLUSH_MS - clock.now());
    cancel = clock.after(Math.max(COUNT_FLUSH_FIRST_MS, waitMs), () => {
      cancel = undefined;
      void flush();
    });
  }

  function remember(videoId: string, likes: Likes): void {
    stored.delete(videoId);
    if (stored.size >= TOTALS_KEPT_MAX) {
      const oldest = stored.keys().next().value;
      if (oldest !== undefined) stored.delete(oldest);
    }
    stored.set(videoId, likes);
  }

  function flush(): Promise<void> {
    // One at a time, so that totals are published in the order in which they were stored.
    flushing = flushing.then(flushOnce);
    return flushing;
  }

  async function flushOnce(): Promise<void> {
    flushedAt = clock.now();
    const entries = [...pending];
    for (let start = 0; start < entries.length; start += COUNT_FLUSH_VIDEOS_MAX) {
      const part = entries.slice(start, start + COUNT_FLUSH_VIDEOS_MAX);
      for (const [id] of part) pending.delete(id);
      inFlight = new Map(part);
      try {
        const now = clock.now();
        const totals = await store.addLikes(
          part.map(([id, { likes }]) => ({ id, likes })),
          now,
        );
        part.forEach(([id, entry], index) => {
          const total = totals[index] ?? {};
          remember(id, total);
          publish(entry, total, now);
        });
      } catch (error) {
        options.onFailure(error);
        for (const [id, entry] of part) {
          const total = { ...stored.get(id) };
          addTo(total, entry.likes);
          if (isAnyUnsaid(entry)) publish(entry, total, clock.now());
          entry.said = { ...entry.likes };
          putBack(id, entry);
        }
      }
      inFlight = new Map();
    }
    if (pending.size > 0) schedule();
  }

  function publish({ topic, likes, said }: Pending, total: Likes, at: number): void {
    const fresh = Object.entries(likes).flatMap(([kind, count]) => {
      const more = count - (said[kind] ?? 0);
      return more === 0 ? [] : [[kind, more]];
    });
    options.push({
      topic,
      type: "likes",
      at,
      data: toJsonText({ ...Object.fromEntries(fresh), total }),
    });
  }

  function putBack(videoId: string, entry: Pending): void {
    const meanwhile = pending.get(videoId);
    if (meanwhile === undefined) {
      pending.set(videoId, entry);
      return;
    }
    addTo(meanwhile.likes, entry.likes);
    meanwhile.said = entry.said;
  }

  function totalsOf(videoId: string, base: Likes): Likes {
    const total: Record<string, number> = { ...base };
    addTo(total, inFlight.get(videoId)?.likes ?? {});
    addTo(total, pending.get(videoId)?.likes ?? {});
    return total;
  }

  return {
    async like(videoId, kind, count) {
      if (!stored.has(videoId)) {
        const [video] = await store.read([videoId]);
        if (!stored.has(videoId)) remember(videoId, video?.likes ?? {});
      }
      const entry = pendingOf(videoId);
      if (entry === undefined)
        throw new Problem("unavailable", "Too many videos are being counted at once", {
          retryAfterMs: 1_000,
        });
      addTo(entry.likes, { [kind]: count });
      return totalsOf(videoId, stored.get(videoId) ?? {});
    },
    totals: (videoId, read) =>
      totalsOf(
        videoId,
        inFlight.has(videoId) ? (stored.get(videoId) ?? read) : larger(read, stored.get(videoId)),
      ),
    get waiting() {
      return pending.size;
    },
    flush,
    async close() {
      closed = true;
      cancel?.();
      await flush();
    },
  };
}

function isAnyUnsaid({ likes, said }: Pending): boolean {
  return Object.entries(likes).some(([kind, count]) => count !== said[kind]);
}

/** Totals only grow: of two views of them, the larger is the later. */
function larger(a: Likes, b: Likes | undefined): Likes {
  const all: Record<string, number> = { ...a };
  for (const [kind, n] of Object.entries(b ?? {})) all[kind] = Math.max(all[kind] ?? 0, n);
  return all;
}

function addTo(sum: Record<string, number>, likes: Likes): void {
  for (const [kind, n] of Object.entries(likes)) sum[kind] = (sum[kind] ?? 0) + n;
}
