/**
 * What is known of members beside their events: names and roles as their tokens last said them, guests
 * who became members, blocks, sanctions, conversations. The messages themselves are in the log.
 *
 * The specification, held by `member-stores.contract.ts` for every form: each call is one transaction;
 * reads see everything that resolved; `claimGuest` has one winner over all processes; cursors only rise.
 * Rejects with `StoreUnavailableError` when the database cannot be reached; nothing was stored then.
 * A damaged row is left out of lists, and makes all else that asks for it reject with
 * `StoreDamagedError`.
 */

import type { Role } from "@ovation/protocol";
import type { Cursor } from "../parameters.ts";

/** What a member's token last said of them. */
export interface Profile {
  readonly id: string;
  readonly name: string;
  readonly avatar?: string;
  /** On the whole site. */
  readonly role: Role;
}

export interface MemberStore {
  remember(profiles: readonly Profile[], now: number): Promise<void>;
  /** Drops profiles of guests who were last here before `before`; answers how many went. */
  forgetGuests(before: number, now: number, limit: number): Promise<number>;
  /** `leave out`: for names beside other things; the member's next token repairs a damaged one. */
  profiles(ids: readonly string[], damaged?: "leave out"): Promise<ReadonlyMap<string, Profile>>;
  /** Hosts and moderators of the whole site, at most `limit`. */
  staff(limit: number): Promise<readonly Profile[]>;
  /** The guest belongs to the member from now on, unless somebody was first: answers whose they are. */
  claimGuest(guest: string, member: string, now: number): Promise<string>;
  /** Drops which member a guest became, where that was before `before`; answers how many went. */
  forgetLinks(before: number, now: number, limit: number): Promise<number>;
  /** Guests who became members, and which. */
  ownersOf(guests: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export interface InboxStore {
  /** Whether members who were never written to may write to the member: open unless it was closed. */
  isOpen(member: string): Promise<boolean>;
  setOpen(member: string, open: boolean): Promise<void>;
}

export interface BlockStore {
  set(member: string, other: string, blocked: boolean): Promise<void>;
  /** Whom the member blocked, in the order of ids: at most `limit`, those after `after`. */
  list(member: string, limit: number, after?: string): Promise<readonly string[]>;
  /** Of the two, who blocked the other. */
  between(a: string, b: string): Promise<readonly string[]>;
}

/** A time-out or a ban. */
export interface Sanction {
  readonly member: string;
  /** A video's id, or empty for the whole site. */
  readonly video: string;
  readonly kind: "time-out" | "ban";
  /** ms since 1970; `null` for a ban without an end. */
  readonly until: number | null;
  /** Shown to the member; may be empty. */
  readonly reason: string;
  readonly at: number;
  /** The moderator; never shown to the member. */
  readonly by: string;
}

export interface SanctionStore {
  /** Replaces the member's earlier one in the same place. */
  put(sanction: Sanction): Promise<void>;
  /** Drops those that ended before `before`; answers how many went. */
  forgetEnded(before: number, limit: number): Promise<number>;
  /** Answers whether there was one. */
  remove(member: string, video: string): Promise<boolean>;
  /** Those in force, in every place. */
  of(member: string, now: number): Promise<readonly Sanction[]>;
  /** Those in force in one place, the newest first; those after `from` where it is given. */
  list(video: string, now: number, limit: number, from?: Cursor): Promise<readonly Sanction[]>;
}

/** Guests of this address may not write for a while, because one of them was sanctioned. */
export interface AddressSanction {
  /** A hash, see `guest-addresses.ts`. */
  readonly address: string;
  /** A video's id, or empty for the whole site. */
  readonly video: string;
  readonly guest: string;
  /** ms since 1970. */
  readonly until: number;
}

export interface AddressSanctionStore {
  /** Where the guest wrote last, if that was not before `since`. */
  addressOf(guest: string, since: number): Promise<string | undefined>;
  note(guest: string, address: string, now: number): Promise<void>;
  /** Replaces the guest's earlier one in the same place. */
  put(sanction: AddressSanction): Promise<void>;
  /** Answers the addresses that are free of it. */
  remove(guest: string, video: string): Promise<readonly string[]>;
  /** Those in force, in every place. */
  of(address: string, now: number): Promise<readonly AddressSanction[]>;
  /** Drops addresses noted before `seen` and sanctions that ended by `ended`; answers how many went. */
  forget(before: { readonly seen: number; readonly ended: number }, limit: number): Promise<number>;
}

/** A member who was told of a comment: an answer, a mention. */
export interface NoticedMember {
  /** The comment's number. */
  readonly seq: number;
  readonly member: string;
  /** When the comment was posted, ms since 1970. */
  readonly at: number;
}

export interface NoticeStore {
  note(told: {
    readonly video: string;
    readonly seq: number;
    readonly members: readonly string[];
    readonly at: number;
  }): Promise<void>;
  /** Who was told of the comment; without a number, of any comment of the video. */
  list(video: string, limit: number, seq?: number): Promise<readonly NoticedMember[]>;
  remove(video: string, seq: number, member: string): Promise<void>;
  /** Drops those of comments from before `before`; answers how many went. */
  forget(before: number, limit: number): Promise<number>;
}

/** One member's side of a conversation. */
export interface Conversation {
  readonly other: string;
  /** The newest message: its number in the conversation, when, by whom, how it begins. */
  readonly last: number;
  readonly lastAt: number;
  readonly lastFrom: string;
  readonly lastText: string;
  /** Whether the other has written to the member at some time. */
  readonly heard: boolean;
  /** Everything up to this number was seen, or reached a device. */
  readonly seen: number;
  readonly delivered: number;
  /** The same of the other. */
  readonly otherSeen: number;
  readonly otherDelivered: number;
}

export interface NewMessage {
  readonly from: string;
  readonly to: string;
  readonly number: number;
  readonly at: number;
  readonly text: string;
}

export interface ConversationStore {
  /** Both sides have the message; for its author it counts as seen. Twice is once. */
  record(message: NewMessage): Promise<void>;
  /** Raises cursors; answers them, and whether one rose. `undefined` where there is no conversation. */
  advance(
    member: string,
    other: string,
    cursors: { readonly seen: number; readonly delivered: number },
  ): Promise<
    { readonly seen: number; readonly delivered: number; readonly rose: boolean } | undefined
  >;
  find(member: string, other: string): Promise<Conversation | undefined>;
  /** The newest first; those after `from`, an empty id of which stands after all others of its time. */
  list(member: string, limit: number, from?: Cursor): Promise<readonly Conversation[]>;
  /** Drops conversations whose newest message is older than `before`; answers how many rows went. */
  forget(before: number, limit: number): Promise<number>;
  /** Messages not seen in all conversations of the member. */
  unread(member: string): Promise<number>;
}

export interface MemberStores {
  readonly members: MemberStore;
  readonly blocks: BlockStore;
  readonly inboxes: InboxStore;
  readonly sanctions: SanctionStore;
  readonly addresses: AddressSanctionStore;
  readonly notices: NoticeStore;
  readonly conversations: ConversationStore;
  close(): Promise<void>;
}
