/**
 * What the list shows: the newest comments by `seq`, then the viewer's own pending ones. Pure: no
 * DOM, no clock. An item keeps its key from the first echo to the confirmed comment, so that the
 * row on the screen stays the same element.
 */

import type { Author, Comment } from "@ovation/client";
import { LOCAL_MAX, REMOVED_MAX, ROWS_MAX } from "../limits.ts";

export interface Item {
  readonly key: string;
  /** Absent while the comment is not stored. */
  readonly seq?: number;
  /** ms since 1970. */
  readonly at: number;
  readonly text: string;
  readonly author: Author;
  readonly replyTo?: number;
  readonly state: "sent" | "sending" | "failed";
  /** The error's code, where it failed. */
  readonly problem?: string;
}

export class CommentStore {
  #recent: Item[] = [];
  #local: Item[] = [];
  readonly #removed = new Set<number>();
  /** Keys of items from before a reset: the next snapshot removes those that it does not have. */
  #expired = new Set<string>();

  /** Ascending by `seq`, then the local ones in the order of sending; at most {@link ROWS_MAX}. */
  get items(): readonly Item[] {
    return [...this.#recent, ...this.#local].slice(-ROWS_MAX);
  }

  get localCount(): number {
    return this.#local.length;
  }

  find(seq: number): Item | undefined {
    return this.#recent.find((item) => item.seq === seq);
  }

  /** Takes a comment of an event, of history or of a POST. False where it is present already. */
  add(comment: Comment): boolean {
    const echo = this.#local.find(
      (item) => item.key === comment.clientId && item.author.id === comment.author.id,
    );
    if (echo !== undefined) this.#local = this.#local.filter((item) => item !== echo);
    if (comment.removed === true || this.#removed.has(comment.seq)) return false;
    let place = this.#recent.length;
    while (place > 0 && (this.#recent[place - 1]?.seq ?? 0) > comment.seq) place--;
    if (this.#recent[place - 1]?.seq === comment.seq) return false;
    this.#recent.splice(place, 0, toItem(comment, echo?.key));
    if (this.#recent.length > ROWS_MAX) this.#recent.shift();
    return true;
  }

  /** A new snapshot: items that it lacks are removed; the others keep their keys. */
  replace(comments: readonly Comment[]): void {
    const keys = new Map(this.#recent.map((item) => [item.seq, item.key]));
    const newest = comments.at(-1)?.seq ?? 0;
    // What arrived by the stream while the snapshot was fetched is newer than it.
    const newer = this.#recent.filter(
      (item) => (item.seq ?? 0) > newest && !this.#expired.has(item.key),
    );
    this.#expired.clear();
    this.#recent = [];
    for (const comment of comments) this.add(comment);
    this.#recent = [
      ...this.#recent.map((item) => ({ ...item, key: keys.get(item.seq) ?? item.key })),
      ...newer,
    ].slice(-ROWS_MAX);
  }

  /** The log may be another one: items are kept only if the next snapshot has them. */
  expire(): void {
    this.#expired = new Set(this.#recent.map((item) => item.key));
    this.#removed.clear();
  }

  remove(seq: number): void {
    this.#removed.add(seq);
    if (this.#removed.size > REMOVED_MAX) {
      const [oldest] = this.#removed;
      if (oldest !== undefined) this.#removed.delete(oldest);
    }
    this.#recent = this.#recent.filter((item) => item.seq !== seq);
  }

  /** Shows a comment before the server has it. The same `clientId` again: a retry. */
  startLocal(clientId: string, text: string, author: Author, at: number, replyTo?: number): void {
    const item: Item = {
      key: clientId,
      at,
      text,
      author,
      state: "sending",
      ...(replyTo === undefined ? {} : { replyTo }),
    };
    this.#local = [...this.#local.filter((other) => other.key !== clientId), item].slice(
      -LOCAL_MAX,
    );
  }

  findLocal(clientId: string): Item | undefined {
    return this.#local.find((item) => item.key === clientId);
  }

  failLocal(clientId: string, problem: string): void {
    this.#local = this.#local.map((item) =>
      item.key === clientId ? { ...item, state: "failed", problem } : item,
    );
  }

  discardLocal(clientId: string): void {
    this.#local = this.#local.filter((item) => item.key !== clientId);
  }
}

/** A stored comment as an item; `key` where it had one before. */
export function toItem(comment: Comment, key = `c${comment.seq}`): Item {
  const { seq, at, text, author, replyTo } = comment;
  return {
    key,
    seq,
    at,
    text,
    author,
    state: "sent",
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}
