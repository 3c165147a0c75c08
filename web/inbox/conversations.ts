/**
 * The conversations of a member: with whom, the newest message, how far each side has read. Pure:
 * no DOM, no clock. Events and responses come in any order; numbers only rise.
 */

import type {
  ConversationsPage,
  Cursors,
  Message,
  Person,
  PresenceData,
  PresenceStatus,
  ReceiptData,
} from "@ovation/client";

export interface Entry extends Person {
  name: string;
  /** `n` 0: there is no message yet. */
  last: { readonly n: number; readonly at: number; readonly from: string; readonly text: string };
  /** What the member has seen, and confirmed as received. */
  seen: number;
  delivered: number;
  other: Cursors;
  presence: PresenceStatus | undefined;
  /** The other is typing until then, ms since 1970. */
  typingUntil: number;
}

export class Conversations {
  readonly #me: string;
  readonly #entries = new Map<string, Entry>();
  /** Unread messages of conversations that are not in the list. */
  #unreadElsewhere = 0;

  constructor(me: string) {
    this.#me = me;
  }

  /** Those with messages, the newest first. */
  get list(): readonly Entry[] {
    return [...this.#entries.values()]
      .filter(({ last }) => last.n > 0)
      .sort((a, b) => b.last.at - a.last.at);
  }

  get unread(): number {
    return this.list.reduce((sum, entry) => sum + unreadOf(entry), this.#unreadElsewhere);
  }

  find(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** The conversation with `person`, also a new one. */
  with({ id, name }: Person): Entry {
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    const none = { n: 0, at: 0, from: "", text: "" };
    const fresh = {
      id,
      name,
      last: none,
      seen: 0,
      delivered: 0,
      other: NOTHING,
      presence: undefined,
      typingUntil: 0,
    };
    this.#entries.set(id, fresh);
    return fresh;
  }

  /** Merges the server's list. Events received meanwhile are newer. */
  merge({ conversations, unread }: ConversationsPage): void {
    this.#unreadElsewhere = unread;
    for (const each of conversations) {
      const entry = this.with(each.with);
      entry.name = each.with.name;
      if (each.last.n > entry.last.n) entry.last = each.last;
      entry.seen = Math.max(entry.seen, each.seen);
      entry.other = later(entry.other, each.other);
      this.#unreadElsewhere -= each.unread;
    }
    this.#unreadElsewhere = Math.max(0, this.#unreadElsewhere);
  }

  /** A message of either side. Returns its conversation, and whether either was new. */
  receive(message: Message): {
    readonly entry: Entry;
    readonly isNew: boolean;
    readonly isKnown: boolean;
  } {
    const { n, at, from, to, text } = message;
    const own = from.id === this.#me;
    const person = own ? { id: to.id, name: this.#entries.get(to.id)?.name ?? to.id } : from;
    const isKnown = this.#entries.has(person.id);
    const entry = this.with(person);
    entry.name = person.name;
    const isNew = n > entry.last.n;
    if (isNew) entry.last = { n, at, from: from.id, text };
    // The author of a message has seen the earlier ones, and has stopped typing.
    if (own) entry.seen = Math.max(entry.seen, n);
    else entry.typingUntil = 0;
    return { entry, isNew, isKnown };
  }

  /** How far the other has read, or the member on another device. */
  receipt({ from, with: partner, seen, delivered }: ReceiptData): void {
    if (from.id === this.#me) {
      const entry = this.#entries.get(partner.id);
      if (entry !== undefined) entry.seen = Math.max(entry.seen, seen);
    } else {
      const entry = this.#entries.get(from.id);
      if (entry !== undefined) entry.other = later(entry.other, { seen, delivered });
    }
  }

  presence({ member, online, seenAt }: PresenceData): void {
    const entry = this.#entries.get(member);
    if (entry === undefined) return;
    entry.presence = { online, ...(seenAt === undefined ? {} : { seenAt }) };
    if (!online) entry.typingUntil = 0;
  }
}

const NOTHING: Cursors = { seen: 0, delivered: 0 };

export function unreadOf({ last, seen }: Entry): number {
  return Math.max(0, last.n - seen);
}

function later(a: Cursors, b: Cursors): Cursors {
  return { seen: Math.max(a.seen, b.seen), delivered: Math.max(a.delivered, b.delivered) };
}
