/**
 * Likes: added up in memory, stored and published together every 250 ms at most. An event has
 * `+n` and the exact total of all processes, so that the next event corrects the loss of one.
 *
 * A flush that fails is repeated with the same id and content until the store has it: where only
 * the reply was lost, nothing is added twice. Meanwhile likes wait in `pending`, and are published
 * with the total that this process has.
 *
 * A like is accepted when it is counted here. While one waits longer than LIKES_UNSTORED_MS_MAX to
 * be stored, likes are refused: a process that is killed loses the likes of that time at most.
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
  LIKES_CLOSE_MS_MAX,
  LIKES_UNSTORED_MS_MAX,
  TOTALS_KEPT_MAX,
} from "../limits.ts";
import type { FlushId, VideoStore } from "../videos/video-store.ts";

type Likes = Readonly<Record<string, number>>;

interface Pending {
  readonly topic: Topic;
  readonly likes: Record<string, number>;
  /** Of those, what was published before it was stored. */
  publishedUnstored: Likes;
  /** The totals as the store had them last: `#stored` may have evicted them meanwhile. */
  base: Likes;
}

/** What one transaction stores. It does not change until the store has it. */
interface Flush {
  readonly id: FlushId;
  readonly entries: ReadonlyMap<string, Pending>;
  readonly acceptedAt: number;
}

export interface LikeCounterOptions {
  readonly store: VideoStore;
  readonly clock: Clock;
  /** ms of a clock that never jumps. Default `performance.now`. */
  elapsed?(): number;
  /** Names this incarnation of the process. Default: random. */
  readonly writer?: string;
  push(event: Event): void;
  onFailure(error: unknown): void;
}

/** What a stop could not store. */
export interface LostLikes {
  readonly likes: number;
  readonly videos: number;
}

export class LikeCounter {
  readonly #options: LikeCounterOptions;
  readonly #writer: string;
  readonly #elapsed: () => number;
  readonly #pending = new Map<string, Pending>();
  /** Sent to the store, and not known to be there. */
  #flush: Flush | undefined;
  #flushes = 0;
  /** When the oldest like in `pending` was accepted. */
  #pendingSince: number | undefined;
  /** Totals as stored, of recently liked videos. */
  readonly #stored = new Map<string, Likes>();
  #flushedAt = 0;
  #cancel: (() => void) | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: LikeCounterOptions) {
    this.#options = options;
    this.#writer = options.writer ?? crypto.randomUUID();
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** Videos with likes that are not stored yet. */
  get waiting(): number {
    return new Set([...this.#pending.keys(), ...(this.#flush?.entries.keys() ?? [])]).size;
  }

  /** Whether likes are refused because earlier ones cannot be stored. */
  get isRefusing(): boolean {
    const since = this.#flush?.acceptedAt ?? this.#pendingSince;
    return since !== undefined && this.#elapsed() - since > LIKES_UNSTORED_MS_MAX;
  }

  /** Throws `unavailable` while likes are refused. */
  assertAccepting(): void {
    if (!this.#closed && !this.isRefusing) return;
    throw new Problem("unavailable", "Likes cannot be stored at the moment. Send them again", {
      retryAfterMs: LIKES_UNSTORED_MS_MAX,
    });
  }

  /**
   * Counts likes; answers all totals of the video with them. Rejects with `unavailable` while likes
   * cannot be stored, and where too many videos wait.
   */
  async like(videoId: string, kind: string, count: number): Promise<Likes> {
    this.assertAccepting();
    if (this.#base(videoId) === undefined) {
      const [video] = await this.#options.store.read([videoId]);
      if (this.#base(videoId) === undefined) this.#remember(videoId, video?.likes ?? {});
    }
    const entry = this.#pendingOf(videoId);
    if (entry === undefined)
      throw new Problem("unavailable", "Too many videos are being counted at once", {
        retryAfterMs: 1_000,
      });
    addTo(entry.likes, { [kind]: count });
    return this.#withUnstored(videoId, this.#base(videoId) ?? {});
  }

  /** All totals of a video of which the store says `read`, with those that are not stored yet. */
  totals(videoId: string, read: Likes): Likes {
    const stored = this.#base(videoId);
    // `read` may have the flush in it already, or not: the totals before it are certain.
    const isInFlight = this.#flush?.entries.has(videoId) === true;
    return this.#withUnstored(videoId, isInFlight ? (stored ?? read) : larger(read, stored));
  }

  /** Of a deleted video nothing that still waits is counted. */
  forget(videoId: string): void {
    this.#pending.delete(videoId);
    if (this.#pending.size === 0) this.#pendingSince = undefined;
    this.#stored.delete(videoId);
  }

  /** Stores and publishes what waits now. One flush at a time, so totals keep their order. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flushAll());
    return this.#flushing;
  }

  /** Flushes, tries again for a while where that fails, and stops. Answers what is lost. */
  async close(): Promise<LostLikes> {
    this.#closed = true;
    this.#cancel?.();
    const until = this.#elapsed() + LIKES_CLOSE_MS_MAX;
    const overdue = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(LIKES_CLOSE_MS_MAX, overdue.resolve);
    await Promise.race([this.flush(), overdue.promise]);
    while (this.waiting > 0 && this.#elapsed() < until) {
      await new Promise<void>((resolve) => this.#options.clock.after(COUNT_FLUSH_MS, resolve));
      await Promise.race([this.flush(), overdue.promise]);
    }
    cancel();
    return this.#lost();
  }

  #lost(): LostLikes {
    const waiting = [...this.#pending.values(), ...(this.#flush?.entries.values() ?? [])];
    const sum = (likes: Likes) => Object.values(likes).reduce((all, n) => all + n, 0);
    return {
      likes: waiting.reduce((all, { likes }) => all + sum(likes), 0),
      videos: this.waiting,
    };
  }

  #pendingOf(videoId: string): Pending | undefined {
    let entry = this.#pending.get(videoId);
    if (entry === undefined) {
      if (this.#pending.size >= COUNTED_VIDEOS_MAX) return undefined;
      const base = this.#base(videoId) ?? {};
      entry = { topic: topicOf("video", videoId), likes: {}, publishedUnstored: {}, base };
      this.#pending.set(videoId, entry);
      this.#pendingSince ??= this.#elapsed();
    }
    this.#schedule();
    return entry;
  }

  #schedule(): void {
    if (this.#cancel !== undefined || this.#closed) return;
    const { clock } = this.#options;
    // Bounded, because a clock that was set back says that the last flush lies ahead.
    const waitMs = Math.min(COUNT_FLUSH_MS, this.#flushedAt + COUNT_FLUSH_MS - clock.now());
    this.#cancel = clock.after(Math.max(COUNT_FLUSH_FIRST_MS, waitMs), () => {
      this.#cancel = undefined;
      void this.flush();
    });
  }

  /** The totals without what waits; undefined where the store has to be asked. */
  #base(videoId: string): Likes | undefined {
    return (
      this.#stored.get(videoId) ??
      this.#pending.get(videoId)?.base ??
      this.#flush?.entries.get(videoId)?.base
    );
  }

  #remember(videoId: string, likes: Likes): void {
    const pending = this.#pending.get(videoId);
    if (pending !== undefined) pending.base = likes;
    this.#stored.delete(videoId);
    if (this.#stored.size >= TOTALS_KEPT_MAX) {
      const oldest = this.#stored.keys().next().value;
      if (oldest !== undefined) this.#stored.delete(oldest);
    }
    this.#stored.set(videoId, likes);
  }

  async #flushAll(): Promise<void> {
    this.#flushedAt = this.#options.clock.now();
    let left = this.#pending.size + (this.#flush?.entries.size ?? 0);
    while (left > 0) {
      const flush = this.#flush ?? this.#takeFlush();
      left -= flush.entries.size;
      if (!(await this.#store(flush))) break;
    }
    if (this.#pending.size > 0 || this.#flush !== undefined) this.#schedule();
  }

  #takeFlush(): Flush {
    const entries = new Map([...this.#pending].slice(0, COUNT_FLUSH_VIDEOS_MAX));
    for (const id of entries.keys()) this.#pending.delete(id);
    const acceptedAt = this.#pendingSince ?? this.#elapsed();
    if (this.#pending.size === 0) this.#pendingSince = undefined;
    this.#flush = { id: { writer: this.#writer, number: ++this.#flushes }, entries, acceptedAt };
    return this.#flush;
  }

  /** Answers whether the store has it. */
  async #store(flush: Flush): Promise<boolean> {
    const { store, clock } = this.#options;
    const now = clock.now();
    try {
      const changes = [...flush.entries].map(([id, { likes }]) => ({ id, likes }));
      const totals = await store.addLikes(changes, now, flush.id);
      this.#flush = undefined;
      changes.forEach(({ id }, index) => {
        const total = totals[index];
        if (total === undefined) {
          // What is damaged has been said; the next like asks the store, and is refused.
          this.forget(id);
          return;
        }
        this.#remember(id, total);
        this.#publishStored(id, flush.entries.get(id), total, now);
      });
      return true;
    } catch (error) {
      this.#options.onFailure(error);
      this.#publishUnstored();
      return false;
    }
  }

  /** Viewers may have seen likes that are still pending: a total never falls behind those. */
  #publishStored(id: string, entry: Pending | undefined, stored: Likes, now: number): void {
    const pending = this.#pending.get(id);
    // The pending part is published soon, with a total that has this one in it.
    if (entry === undefined || (pending !== undefined && !isAnyUnpublished(entry))) return;
    const total: Record<string, number> = { ...stored };
    addTo(total, pending?.publishedUnstored ?? {});
    this.#publish(entry, total, now);
  }

  /** Likes are worth most at once: viewers see them, with a total of what is known here. */
  #publishUnstored(): void {
    const now = this.#options.clock.now();
    for (const [id, entry] of [...(this.#flush?.entries ?? []), ...this.#pending]) {
      if (!isAnyUnpublished(entry)) continue;
      this.#publish(entry, this.#withUnstored(id, this.#base(id) ?? {}), now);
      entry.publishedUnstored = { ...entry.likes };
    }
  }

  #publish({ topic, likes, publishedUnstored }: Pending, total: Likes, at: number): void {
    const fresh = Object.entries(likes).flatMap(([kind, count]) => {
      const more = count - (publishedUnstored[kind] ?? 0);
      return more === 0 ? [] : [[kind, more]];
    });
    this.#options.push({
      topic,
      type: "likes",
      at,
      data: toJsonText({ ...Object.fromEntries(fresh), total }),
    });
  }

  #withUnstored(videoId: string, base: Likes): Likes {
    const total: Record<string, number> = { ...base };
    addTo(total, this.#flush?.entries.get(videoId)?.likes ?? {});
    addTo(total, this.#pending.get(videoId)?.likes ?? {});
    return total;
  }
}

function isAnyUnpublished({ likes, publishedUnstored }: Pending): boolean {
  return Object.entries(likes).some(([kind, count]) => count !== publishedUnstored[kind]);
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
