/** A comment: the form in the log, and the form in answers. */

import type { DurableEvent, Identity, JsonText, Role } from "@ovation/protocol";

export interface Author {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly avatar?: string;
}

/** `data` of a `comment` event. */
export interface CommentData {
  readonly text: string;
  readonly author: Author;
  readonly clientId?: string;
  readonly replyTo?: number;
  readonly removed?: true;
}

/** A comment in an answer. */
export interface Comment extends CommentData {
  readonly seq: number;
  /** The server's wall clock when it was posted, ms since 1970. */
  readonly at: number;
}

export function authorOf(identity: Identity, role: Role): Author {
  const { sub: id, name, avatar } = identity;
  return avatar === undefined ? { id, name, role } : { id, name, role, avatar };
}

/**
 * The comment in an event, or `undefined` where a publisher wrote an event of this type that has
 * another form: the history shows what a reader can show.
 */
export function commentOf(event: DurableEvent): Comment | undefined {
  const data = commentDataOf(event.data);
  return data === undefined ? undefined : { ...data, seq: event.place.seq, at: event.at };
}

export function commentDataOf(json: JsonText): CommentData | undefined {
  const data: unknown = JSON.parse(json);
  return isCommentData(data) ? data : undefined;
}

function isCommentData(data: unknown): data is CommentData {
  if (typeof data !== "object" || data === null) return false;
  const { text, author } = data as { text?: unknown; author?: unknown };
  if (typeof text !== "string" || typeof author !== "object" || author === null) return false;
  const { id, name } = author as { id?: unknown; name?: unknown };
  return typeof id === "string" && typeof name === "string";
}

/** What remains of a removed comment: its place and its author. */
export function removedData(data: CommentData): CommentData {
  return { text: "", author: data.author, removed: true };
}
