/**
 * The state of one video: the SDK's events and responses become state here, without DOM.
 *
 * Order of joining: subscribe first, then read the snapshot. The store sorts by number, so either
 * may come first, and comments between the two are fetched once the stream's head is known.
 */

import type {
  Client,
  ClientEvent,
  Comment,
  ConnectionState,
  TopicHandlers,
  VideoApi,
} from "@ovation/client";
import { backoffMs } from "@ovation/client/backoff";
import { randomText } from "@ovation/client/random-text";
import type { Me } from "./identity.ts";
import { RELOAD_ASKED_MS_MAX, RELOAD_WAIT_MS, RELOADED_MS, SLOW_LOAD_MS } from "./limits.ts";
import { CommentStore, type Item, toItem } from "./list/comment-store.ts";
import { History } from "./list/history.ts";
import { Skips } from "./list/skips.ts";
import { fieldsOf, isCount, isText, isTime, readComment, readLikes, readTotal } from "./read.ts";

export interface SessionCallbacks {
  /** The visible state has changed. */
  changed(): void;
  /** A comment arrived by the stream. */
  arrived(comment: Comment): void;
  removed(seq: number): void;
  /** Likes of others. */
  liked(count: number): void;
  /** The number of items so far that could not be read. */
  skipped(count: number): void;
}

/**
 * Whether the list is complete. `reloading`: the stream cannot recover missed comments, and the
 * newest are read; `reloaded`: they were read, shown for a while; `waiting`: the server asked for a
 * pause before the next read; `slow`: the first read takes long; `failed`: it failed, and is
 * retried.
 */
export type Standing = "whole" | "reloading" | "reloaded" | "waiting" | "slow" | "failed";

/** Why a comment was not accepted: `code` as in docs/errors.md. */
export interface Refusal {
  readonly code: string;
  readonly retryAfterMs: number | undefined;
}

/** How long the viewer's own taps are added to the server's total, ms. */
const OWN_LIKES_MS = 3000;

export class Session {
  readonly store = new CommentStore();
  readonly skips: Skips;
  state: ConnectionState = { name: "idle", reason: "no-subscriptions" };
  snapshot: "loading" | "ready" | "failed" = "loading";
  standing: Standing = "whole";
  /** Comments are closed: only host and moderators may write. */
  closed = false;
  /** The server refused the topic: the code. */
  refused: string | undefined;
  /** The host deleted the video. */
  deleted = false;
  viewers: number | undefined;
  pinned: Item | undefined;
  /** False once history has been read back to the first comment. */
  hasEarlier = false;
  #likes = 0;
  #ownLikes = 0;
  #ownLikesTimer: ReturnType<typeof setTimeout> | undefined;
  #head = 0;
  /** Everything up to this number is in the snapshot. */
  #snapshotHead = 0;
  #pinKnown = false;
  #closed = false;
  /** The stream could not recover missed events, and the comments were not read since. */
  #missed = false;
  #failures = 0;
  #standingTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #video: VideoApi;
  readonly #history: History;
  readonly #callbacks: SessionCallbacks;
  readonly #stop: (() => void)[];

  constructor(client: Client, videoId: string, callbacks: SessionCallbacks) {
    this.#callbacks = callbacks;
    this.skips = new Skips("live-comments", callbacks.skipped);
    this.#video = client.video(videoId);
    this.#history = new History(this.#video, this.skips);
    const subscription = client.subscribe(this.#video.topic, this.#handlers());
    const endState = client.onState((state) => {
      this.state = state;
      callbacks.changed();
    });
    this.#stop = [() => subscription.unsubscribe(), endState];
    this.load();
  }

  #handlers(): TopicHandlers {
    return {
      comment: (event) => this.#commented(event),
      "comment-removed": (event) => {
        const { seq } = fieldsOf(event.data);
        if (isCount(seq)) this.#removed(seq);
        else this.skips.add("removal");
      },
      "video-deleted": () => this.#wasDeleted(),
      likes: (event) => this.#liked(event.data),
      stats: (event) => {
        const { viewers } = fieldsOf(event.data);
        if (!isCount(viewers)) {
          this.skips.add("count of viewers");
          return;
        }
        this.viewers = viewers;
        this.#callbacks.changed();
      },
      pin: (event) => {
        this.#pinKnown = true;
        const { seq } = fieldsOf(event.data);
        this.#run(this.#pin(isCount(seq) ? seq : undefined));
      },
      onSubscribed: ({ head }) => {
        this.refused = undefined;
        if (this.snapshot === "failed") this.load();
        // Pins and removals in between were not received: read everything, not only new comments.
        else if (this.snapshot === "ready" && head > this.#snapshotHead) this.load();
        this.#head = Math.max(this.#head, head);
      },
      onReset: ({ head }) => {
        this.#head = head;
        this.store.expire();
        if (this.snapshot === "ready") {
          this.#missed = true;
          this.#stand("reloading");
        }
        this.load();
      },
      onRefused: (code) => {
        this.refused = code;
        this.#callbacks.changed();
      },
    };
  }

  #commented({ seq, at, data }: ClientEvent<unknown>): void {
    // A live event of this type is not a stored comment.
    if (seq === undefined) return;
    this.#head = Math.max(this.#head, seq);
    const comment = readComment({ ...fieldsOf(data), seq, at });
    if (comment === undefined) this.skips.add("comment");
    else if (this.store.add(comment)) {
      this.#callbacks.arrived(comment);
      this.#callbacks.changed();
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#ownLikesTimer);
    clearTimeout(this.#standingTimer);
    for (const stop of this.#stop) stop();
  }

  /** The server's total, and the viewer's own taps that it does not include yet. */
  get likes(): number {
    return this.#likes + this.#ownLikes;
  }

  /** Reads the snapshot, at the start and when the stream cannot recover missed events. */
  load(): void {
    // The SDK itself waits where the server limits reads.
    const slow = setTimeout(() => {
      if (this.standing === "whole" && this.snapshot !== "ready") this.#stand("slow");
    }, SLOW_LOAD_MS);
    this.#run(
      this.#load()
        .then(
          () => this.#loaded(),
          (error: unknown) => this.#loadFailed(error),
        )
        .finally(() => clearTimeout(slow)),
    );
  }

  #loaded(): void {
    this.#failures = 0;
    this.deleted = false;
    if (this.#closed || this.standing === "whole" || this.standing === "reloaded") return;
    if (this.#missed) this.#stand("reloaded", RELOADED_MS, () => this.#stand("whole"));
    else this.#stand("whole");
    this.#missed = false;
  }

  /** Retries with a growing pause, not before the server allows it. */
  #loadFailed(error: unknown): void {
    if (this.#closed) return;
    const { code, retryAfterMs } = toRefusal(error);
    if (code === "video-deleted") {
      this.#wasDeleted();
      return;
    }
    const waiting = code === "rate-limited";
    if (!waiting && this.snapshot !== "ready") this.snapshot = "failed";
    const boundMs = backoffMs(this.#failures++, RELOAD_WAIT_MS);
    const waitMs = Math.min(RELOAD_ASKED_MS_MAX, retryAfterMs ?? 0) + boundMs * (1 + Math.random());
    this.#stand(waiting ? "waiting" : "failed", waitMs, () => this.load());
    console.warn("live-comments: the comments could not be read", error);
  }

  /** The standing from now on; `next` runs after `ms`, unless another one comes before. */
  #stand(standing: Standing, ms?: number, next?: () => void): void {
    clearTimeout(this.#standingTimer);
    this.standing = standing;
    if (next !== undefined) this.#standingTimer = setTimeout(next, ms);
    this.#callbacks.changed();
  }

  #wasDeleted(): void {
    this.deleted = true;
    this.pinned = undefined;
    this.hasEarlier = false;
    this.snapshot = "ready";
    this.store.expire();
    this.store.replace([]);
    this.#callbacks.changed();
  }

  /** Reads again, once, where the stream began after the snapshot. */
  async #load(again = true): Promise<void> {
    const [answer, history] = await Promise.all([this.#video.info(), this.#history.latest()]);
    if (this.#closed) return;
    const info = fieldsOf(answer);
    this.store.replace(history.comments);
    this.hasEarlier = history.next !== undefined;
    this.#snapshotHead = isCount(info["head"])
      ? Math.min(info["head"], history.head)
      : history.head;
    this.closed = info["closed"] === true;
    const behind = this.#head > this.#snapshotHead;
    this.#likes = Math.max(this.#likes, readTotal(info["likes"]));
    if (isCount(info["viewers"])) this.viewers ??= info["viewers"];
    if (!this.#pinKnown) this.pinned = this.#readPinned(info["pinned"]);
    this.snapshot = "ready";
    if (!behind) this.#head = history.head;
    else if (again) await this.#load(false);
    else await this.#catchUp(this.#head, history.head);
  }

  #readPinned(value: unknown): Item | undefined {
    if (value === undefined || value === null) return undefined;
    const comment = readComment(value);
    if (comment === undefined) this.skips.add("pinned comment");
    return comment === undefined || comment.removed === true ? undefined : toItem(comment);
  }

  async #catchUp(head: number, after: number): Promise<void> {
    for (const comment of await this.#history.later(after)) this.store.add(comment);
    this.#head = Math.max(this.#head, head);
  }

  /** Comments before `seq`, ascending. */
  async earlier(seq: number): Promise<Item[]> {
    const { comments, next } = await this.#history.earlier(seq);
    this.hasEarlier = next !== undefined;
    return comments.map((comment) => toItem(comment));
  }

  /**
   * Shows the comment at once and sends it. Where a wait or a name would resolve a refusal, the
   * comment leaves the list and the caller restores the text; else it stays there as failed.
   */
  async send(
    me: Me,
    text: string,
    replyTo?: number,
    clientId = newClientId(),
  ): Promise<Refusal | undefined> {
    this.store.startLocal(clientId, text, me, Date.now(), replyTo);
    this.#callbacks.changed();
    try {
      const stored = readComment(
        await this.#video.comment(text, {
          clientId,
          ...(replyTo === undefined ? {} : { replyTo }),
        }),
      );
      // Without it the comment is confirmed by the stream.
      if (stored !== undefined) this.store.add(stored);
      else this.skips.add("stored comment");
      return undefined;
    } catch (error) {
      const refusal = toRefusal(error);
      if (refusal.code === "comments-closed") this.closed = true;
      if (isPassing(refusal)) this.store.discardLocal(clientId);
      else this.store.failLocal(clientId, refusal.code);
      return refusal;
    } finally {
      this.#callbacks.changed();
    }
  }

  async remove(seq: number): Promise<Refusal | undefined> {
    try {
      await this.#video.remove(seq);
      this.#removed(seq);
      return undefined;
    } catch (error) {
      return toRefusal(error);
    }
  }

  like(): void {
    this.#video.like("like", 1);
    this.#ownLikes++;
    clearTimeout(this.#ownLikesTimer);
    this.#ownLikesTimer = setTimeout(() => {
      this.#ownLikes = 0;
      this.#callbacks.changed();
    }, OWN_LIKES_MS);
    this.#callbacks.changed();
  }

  #liked(data: unknown): void {
    const likes = readLikes(data);
    if (likes === undefined) {
      this.skips.add("count of likes");
      return;
    }
    const { total, fresh } = likes;
    const own = Math.min(this.#ownLikes, fresh);
    this.#ownLikes -= own;
    this.#likes = Math.max(this.#likes, total);
    if (fresh > own) this.#callbacks.liked(fresh - own);
    this.#callbacks.changed();
  }

  #removed(seq: number): void {
    this.store.remove(seq);
    if (this.pinned?.seq === seq) this.pinned = undefined;
    this.#callbacks.removed(seq);
    this.#callbacks.changed();
  }

  async #pin(seq: number | undefined): Promise<void> {
    if (seq === undefined) {
      this.pinned = undefined;
      return;
    }
    const known = this.store.find(seq);
    if (known !== undefined) {
      this.pinned = known;
      return;
    }
    const { comments } = fieldsOf(await this.#video.history({ before: seq + 1, limit: 1 }));
    const [found] = Array.isArray(comments) ? (comments as readonly unknown[]) : [];
    this.pinned = fieldsOf(found)["seq"] === seq ? this.#readPinned(found) : undefined;
  }

  /** Runs something that ends in a change of the visible state. */
  #run(work: Promise<void>): void {
    work
      .catch((error: unknown) => console.warn("live-comments:", error))
      .finally(() => {
        if (!this.#closed) this.#callbacks.changed();
      });
  }
}

/** The refusal in an error of the SDK. */
export function toRefusal(error: unknown): Refusal {
  const { code, retryAfterMs } = fieldsOf(error);
  return {
    code: isText(code) ? code : "network",
    retryAfterMs: isTime(retryAfterMs) ? retryAfterMs : undefined,
  };
}

/** A wait or a name would resolve it: the text goes back to the composer. */
export function isPassing({ code }: Refusal): boolean {
  return code === "rate-limited" || code.startsWith("token-");
}

/** 96 random bits. */
export function newClientId(): string {
  return randomText(12);
}
