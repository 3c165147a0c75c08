/**
 * What the element knows of one video: the SDK's events and answers become state here, without DOM.
 *
 * Order of joining: subscribe first, then read the snapshot; the store sorts by number, so it does not
 * matter which comes first, and what lies between the two is fetched once the stream's head is known.
 */

import type { Client, Comment, ConnectionState, TopicHandlers, VideoApi } from "@ovation/client";
import { CommentStore, type Item, toItem } from "./comment-store.ts";
import type { Me } from "./identity.ts";
import { CATCH_UP_PAGES_MAX, HISTORY_PAGE } from "./limits.ts";

export interface SessionCallbacks {
  /** Something that is shown is different now. */
  changed(): void;
  /** A comment arrived by the stream. */
  arrived(comment: Comment): void;
  removed(seq: number): void;
  /** Likes of others. */
  liked(count: number): void;
}

/** Why a comment was not accepted: `code` as in docs/errors.md. */
export interface Refusal {
  readonly code: string;
  readonly retryAfterMs: number | undefined;
}

/** How long taps of one's own are added to the total that the server says. */
const OWN_LIKES_MS = 3000;

export class Session {
  readonly store = new CommentStore();
  state: ConnectionState = { name: "idle", reason: "no-subscriptions" };
  snapshot: "loading" | "ready" | "failed" = "loading";
  /** The server refused the topic: the code. */
  refused: string | undefined;
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
  readonly #video: VideoApi;
  readonly #callbacks: SessionCallbacks;
  readonly #stop: (() => void)[];

  constructor(client: Client, videoId: string, callbacks: SessionCallbacks) {
    this.#callbacks = callbacks;
    this.#video = client.video(videoId);
    const handlers: TopicHandlers = {
      comment: (event) => {
        if (event.seq === undefined) return;
        const comment: Comment = { ...event.data, seq: event.seq, at: event.at };
        this.#head = Math.max(this.#head, event.seq);
        if (!this.store.add(comment)) return;
        callbacks.arrived(comment);
        callbacks.changed();
      },
      "comment-removed": (event) => this.#removed(event.data.seq),
      likes: (event) => this.#liked(event.data),
      stats: (event) => {
        this.viewers = event.data.viewers;
        callbacks.changed();
      },
      pin: (event) => {
        this.#pinKnown = true;
        this.#run(this.#pin(seqOf(event.data)));
      },
      onSubscribed: ({ head }) => {
        this.refused = undefined;
        if (this.snapshot === "failed") this.load();
        // What was pinned or removed in between was told to nobody: it is read, not only the new comments.
        else if (this.snapshot === "ready" && head > this.#snapshotHead) this.load();
        this.#head = Math.max(this.#head, head);
      },
      onReset: ({ head }) => {
        this.#head = head;
        this.store.expire();
        this.load();
      },
      onRefused: (code) => {
        this.refused = code;
        callbacks.changed();
      },
    };
    const subscription = client.subscribe(this.#video.topic, handlers);
    const endState = client.onState((state) => {
      this.state = state;
      callbacks.changed();
    });
    this.#stop = [() => subscription.unsubscribe(), endState];
    this.load();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#ownLikesTimer);
    for (const stop of this.#stop) stop();
  }

  /** What the server counted, and one's own taps that it has not answered. */
  get likes(): number {
    return this.#likes + this.#ownLikes;
  }

  /** Reads the snapshot, at the start and when the stream cannot say what was missed. */
  load(): void {
    this.#run(
      this.#load().catch((error: unknown) => {
        if (this.snapshot !== "ready") this.snapshot = "failed";
        console.warn("live-comments: the snapshot could not be read", error);
      }),
    );
  }

  /** Reads again, once, where the stream began after what was read. */
  async #load(again = true): Promise<void> {
    const [info, history] = await Promise.all([
      this.#video.info(),
      this.#video.history({ limit: HISTORY_PAGE }),
    ]);
    if (this.#closed) return;
    this.store.replace(history.comments);
    this.hasEarlier = history.comments.length === HISTORY_PAGE || history.next !== undefined;
    this.#snapshotHead = Math.min(info.head, history.head);
    const behind = this.#head > this.#snapshotHead;
    this.#likes = Object.values(info.likes).reduce((sum, count) => sum + count, 0);
    this.viewers ??= info.viewers;
    if (!this.#pinKnown) this.pinned = info.pinned == null ? undefined : toItem(info.pinned);
    this.snapshot = "ready";
    if (!behind) this.#head = history.head;
    else if (again) await this.#load(false);
    else await this.#catchUp(this.#head, history.head);
  }

  async #catchUp(head: number, after = this.#head): Promise<void> {
    const limit = HISTORY_PAGE * 4;
    let from = after;
    for (let pages = 0; pages < CATCH_UP_PAGES_MAX; pages++) {
      const { comments } = await this.#video.history({ after: from, limit });
      for (const comment of comments) this.store.add(comment);
      from = comments.at(-1)?.seq ?? from;
      if (comments.length < limit) break;
    }
    this.#head = Math.max(this.#head, head);
  }

  /** Comments before `seq`, ascending. */
  async earlier(seq: number): Promise<Item[]> {
    const { comments, next } = await this.#video.history({ before: seq, limit: HISTORY_PAGE });
    if (comments.length < HISTORY_PAGE && next === undefined) this.hasEarlier = false;
    return comments.map((comment) => toItem(comment));
  }

  /**
   * Shows the comment at once and sends it. A refusal that waiting or a name would lift takes it off
   * the list again: the caller puts the text back before the writer. Any other leaves it there, failed.
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
      this.store.add(
        await this.#video.comment(text, {
          clientId,
          ...(replyTo === undefined ? {} : { replyTo }),
        }),
      );
      return undefined;
    } catch (error) {
      const refusal = toRefusal(error);
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

  #liked(data: {
    readonly total: Readonly<Record<string, number>>;
    readonly [kind: string]: unknown;
  }): void {
    const total = Object.values(data.total).reduce((sum, count) => sum + count, 0);
    const fresh = Object.entries(data).reduce(
      (sum, [kind, count]) => (kind !== "total" && typeof count === "number" ? sum + count : sum),
      0,
    );
    const own = Math.min(this.#ownLikes, fresh);
    this.#ownLikes -= own;
    this.#likes = total;
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
    const comment =
      known === undefined
        ? (await this.#video.history({ before: seq + 1, limit: 1 })).comments[0]
        : undefined;
    this.pinned = known ?? (comment?.seq === seq ? toItem(comment) : undefined);
  }

  /** Runs something that ends in a change of what is shown. */
  #run(work: Promise<void>): void {
    work
      .catch((error: unknown) => console.warn("live-comments:", error))
      .finally(() => {
        if (!this.#closed) this.#callbacks.changed();
      });
  }
}

function seqOf(data: unknown): number | undefined {
  return typeof data === "object" && data !== null && "seq" in data && typeof data.seq === "number"
    ? data.seq
    : undefined;
}

/** What a rejected call of the SDK says. */
export function toRefusal(error: unknown): Refusal {
  const { code, retryAfterMs } = error as { code?: unknown; retryAfterMs?: unknown };
  return {
    code: typeof code === "string" ? code : "network",
    retryAfterMs: typeof retryAfterMs === "number" ? retryAfterMs : undefined,
  };
}

/** Waiting, or a name, would lift it: the text goes back to the writer. */
export function isPassing({ code }: Refusal): boolean {
  return code === "rate-limited" || code.startsWith("token-");
}

/** 96 random bits. Not `randomUUID`: it is missing on plain-http addresses of a local network. */
export function newClientId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
