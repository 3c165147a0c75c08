/**
 * The data between members: the shapes of events on `member:{id}` topics and of the responses of
 * `members.ts`.
 */

import type { Author } from "../event-types.ts";

export interface Person {
  readonly id: string;
  readonly name: string;
}

/**
 * `data` of a `message` event. `n` is its number in the conversation, from 1, the same for both.
 */
export interface MessageData {
  readonly n: number;
  readonly from: Author;
  readonly to: { readonly id: string };
  readonly text: string;
  /** The author's device's id for it: how it recognises its own echo. */
  readonly clientId?: string;
}
/** `data` of `receipt`: up to where `from` has read the conversation with `with`. */
export interface ReceiptData extends Cursors {
  readonly from: Person;
  readonly with: { readonly id: string };
}
/** `data` of `typing` on a member's topic: expires after `forMs`; 0 ends it. */
export interface TypingData {
  readonly from: Person;
  readonly forMs?: number;
}
export interface PresenceStatus {
  readonly online: boolean;
  /** Last activity, ms since 1970; absent where there was none for a month. */
  readonly seenAt?: number;
}
/** `data` of `presence`. */
export interface PresenceData extends PresenceStatus {
  readonly member: string;
}
/** `data` of `notification`. `video` is absent where it concerns the whole site. */
export type NotificationData =
  | {
      readonly kind: "comment-removed";
      readonly video: string;
      readonly seq: number;
      readonly reason?: string;
    }
  | {
      readonly kind: "reply" | "mention";
      readonly video: string;
      readonly seq: number;
      readonly from: Person;
      /** The comment was removed: `text` is empty. */
      readonly removed?: true;
      readonly text: string;
    }
  | {
      readonly kind: "timed-out";
      readonly video?: string;
      readonly until: number;
      readonly reason?: string;
    }
  | {
      readonly kind: "banned";
      readonly video?: string;
      readonly until?: number;
      readonly reason?: string;
    }
  | { readonly kind: "restored"; readonly video?: string };

/** Numbers of messages: everything up to them was seen, or reached a device. */
export interface Cursors {
  readonly seen: number;
  readonly delivered: number;
}
export interface Message extends MessageData {
  /** ms since 1970. */
  readonly at: number;
}
export interface MessagesPage {
  /** Ascending. */
  readonly messages: readonly Message[];
  readonly head: number;
  /** Up to where oneself, and the other, has read. */
  readonly seen: number;
  readonly other: Cursors;
}
export interface Conversation {
  readonly with: Person & { readonly avatar?: string };
  /** The newest message; `text` is its beginning, `from` an id. */
  readonly last: {
    readonly n: number;
    readonly at: number;
    readonly from: string;
    readonly text: string;
  };
  readonly unread: number;
  readonly seen: number;
  readonly other: Cursors;
}
export interface ConversationsPage {
  /** The newest first. */
  readonly conversations: readonly Conversation[];
  /** In all conversations, including those on other pages. */
  readonly unread: number;
  /** The `cursor` of the next page; absent on the last one. */
  readonly next?: string;
}
/** A notification with its number in the member's own topic. */
export interface Notice {
  readonly seq: number;
  readonly at: number;
  readonly data: NotificationData;
}
