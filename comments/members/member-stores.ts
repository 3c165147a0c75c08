/**
 * The records of members beside the log: names and roles as their tokens last stated them, guests
 * who became members, blocks, sanctions, conversations. Messages are in the log.
 *
 * The specification, which `member-stores.contract.ts` checks for every form: each call is one
 * transaction; reads see everything that resolved; `claimGuest` has one winner over all processes;
 * cursors only rise. Rejects with `DatabaseUnavailableError` when the database cannot be reached;
 * nothing was stored then. A damaged row is left out of lists; any other read of it rejects with
 * `DatabaseDamagedError`.
 */

import type { Role } from "@ovation/protocol";
import type { Cursor } from "../requests/parameters.ts";

/** A member, as their token last stated it. */
export interface Profile {
  readonly id: string;
  readonly name: string;
  readonly avatar?: string;
  /** On the whole site. */
  readonly role: Role;
}

export interface MemberStore {
  remember(profiles: readonly Profile[], now: number): Promise<void>;
  /** Drops profiles of guests last seen before `before`; returns their number. */
  forgetGuests(before: number, now: number, limit: number): Promise<number>;
  /** `leave out`: a damaged row is absent until the member's next token repairs it. */
  profiles(ids: readonly string[], damaged?: "leave out"): Promise<ReadonlyMap<string, Profile>>;
  /** Hosts and moderators of the whole site, at most `limit`. */
  staff(limit: number): Promise<readonly Profile[]>;
  /** Binds the guest to the first member that claims it; returns that member. */
  claimGuest(guest: string, member: string, now: number): Promise<string>;
  /** Drops bindings of guests from before `before`; returns their number. */
  forgetLinks(before: number, now: number, limit: number): Promise<number>;
  /** The members that these guests became, by guest. */
  ownersOf(guests: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export interface InboxStore {
  /** Whether any member may write first to this one. Open by default. */
  isOpen(member: string): Promise<boolean>;
  setOpen(member: string, open: boolean): Promise<void>;
}

export interface BlockStore {
  set(member: string, other: string, blocked: boolean): Promise<void>;
  /** The blocked members, in the order of ids: at most `limit`, those after `after`. */
  list(member: string, limit: number, after?: string): Promise<readonly string[]>;
  /** Those of the two that block the other one. */
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
  /** Replaces the member's earlier one of the same video. */
  put(sanction: Sanction): Promise<void>;
  /** Drops those that ended before `before`; returns their number. */
  forgetEnded(before: number, limit: number): Promise<number>;
  /** Returns whether there was one. */
  remove(member: string, video: string): Promise<boolean>;
  /** Those in force, of all videos and of the site. */
  of(member: string, now: number): Promise<readonly Sanction[]>;
  /** Those in force in one video or on the site, the newest first, after `from` if given. */
  list(video: string, now: number, limit: number, from?: Cursor): Promise<readonly Sanction[]>;
}

/** Guests of this address may not write until then, because one of them was sanctioned. */
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
  /** The address of the last write of the guest, if that was not before `since`. */
  addressOf(guest: string, since: number): Promise<string | undefined>;
  note(guest: string, address: string, now: number): Promise<void>;
  /** Replaces the guest's earlier one of the same video. */
  put(sanction: AddressSanction): Promise<void>;
  /** Returns the addresses that were under it. */
  remove(guest: string, video: string): Promise<readonly string[]>;
  /** Those in force, of all videos and of the site. */
  of(address: string, now: number): Promise<readonly AddressSanction[]>;
  /** Drops addresses from before `seen` and sanctions ended by `ended`; returns their number. */
  forget(before: { readonly seen: number; readonly ended: number }, limit: number): Promise<number>;
}

/** The link from a comment to a member with a notification of it: a reply, a mention. */
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
  /** Links of the comment; without a number, of all comments of the video. */
  list(video: string, limit: number, seq?: number): Promise<readonly NoticedMember[]>;
  remove(video: string, seq: number, member: string): Promise<void>;
  /** Drops those of comments from before `before`; returns their number. */
  forget(before: number, limit: number): Promise<number>;
  /** How far the pass over notifications without links has come; see `notice-links.ts`. */
  linkProgress(): Promise<NoticeLinkProgress>;
  setLinkProgress(progress: NoticeLinkProgress): Promise<void>;
}

/** Topics whose last change has a stamp up to this one are done. */
export interface NoticeLinkProgress {
  readonly stamp: number;
  readonly isDone: boolean;
}

/** One member's side of a conversation. */
export interface Conversation {
  readonly other: string;
  /** The newest message: its number in the conversation, time, author, first characters. */
  readonly last: number;
  readonly lastAt: number;
  readonly lastFrom: string;
  readonly lastText: string;
  /** Whether the other one has ever written to the member. */
  readonly heard: boolean;
  /** Messages up to this number were seen, or delivered to a device. */
  readonly seen: number;
  readonly delivered: number;
  /** The same of the other one. */
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
  /** For both sides; seen by its author. Repeating it changes nothing. */
  record(message: NewMessage): Promise<void>;
  /** Raises the cursors; `undefined` where there is no conversation. */
  advance(
    member: string,
    other: string,
    cursors: { readonly seen: number; readonly delivered: number },
  ): Promise<
    { readonly seen: number; readonly delivered: number; readonly rose: boolean } | undefined
  >;
  find(member: string, other: string): Promise<Conversation | undefined>;
  /** The newest first, after `from`; an empty id comes after all others of its time. */
  list(member: string, limit: number, from?: Cursor): Promise<readonly Conversation[]>;
  /** Drops conversations without a message since `before`; returns the number of rows. */
  forget(before: number, limit: number): Promise<number>;
  /** Unseen messages in all conversations of the member. */
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
