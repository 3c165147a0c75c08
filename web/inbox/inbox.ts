/**
 * The inbox's state: the SDK's events and responses become conversations, messages and
 * notifications here, without DOM.
 *
 * Order of joining: subscribe first, then read the lists. Both are merged by number, so it does not
 * matter which comes first, and nothing comes twice.
 */

import type { Client, Message, Notice, Person, TopicHandlers } from "@ovation/client";
import { createMembers, type MembersApi } from "@ovation/client/members";
import type { Me } from "../element/identity.ts";
import { Skips } from "../element/list/skips.ts";
import { recall, remember } from "../element/platform/storage.ts";
import { fieldsOf, isCount, isText, readAll } from "../element/read.ts";
import { newClientId, toRefusal } from "../element/session.ts";
import { Conversations, type Entry } from "./conversations.ts";
import {
  CONVERSATIONS_SHOWN,
  DELIVERED_DELAY_MS,
  MESSAGES_PAGE,
  NOTICES_MAX,
  PRESENCE_ASKED_MAX,
  TYPING_MS,
  TYPING_MS_MAX,
} from "./limits.ts";
import { Notices } from "./notices.ts";
import {
  readConversation,
  readCursors,
  readMessage,
  readNotice,
  readPresence,
  readReceipt,
} from "./read.ts";
import { Thread } from "./thread.ts";

export interface InboxCallbacks {
  /** The visible state has changed. */
  changed(): void;
  /** A notification arrived by the stream. */
  noticed(notice: Notice): void;
  /** A message of another member arrived by the stream. */
  messaged(entry: Entry, message: Message): void;
  /** The number of items so far that could not be read. */
  skipped(count: number): void;
}

export class Inbox {
  readonly me: Me;
  readonly conversations: Conversations;
  readonly notices = new Notices();
  readonly skips: Skips;
  state: "loading" | "ready" | "failed" = "loading";
  thread: Thread | undefined;
  threadState: "loading" | "ready" | "failed" = "loading";
  loadingEarlier = false;
  /** Whether the open conversation is on the screen: then its messages are seen. */
  #watching = false;
  #connected = false;
  #closed = false;
  readonly #members: MembersApi;
  readonly #callbacks: InboxCallbacks;
  readonly #talks = new Map<string, ReturnType<MembersApi["conversation"]>>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #stop: readonly (() => void)[];

  constructor(client: Client, me: Me, callbacks: InboxCallbacks) {
    this.me = me;
    this.#callbacks = callbacks;
    this.skips = new Skips("live-inbox", callbacks.skipped);
    this.#members = createMembers(client);
    this.conversations = new Conversations(me.id);
    const seen = Number(recall(this.#seenKey));
    this.notices.seen = isCount(seen) ? seen : 0;
    const subscription = client.subscribe(`member:${me.id}`, this.#handlers());
    const endState = client.onState(({ name }) => {
      // Changes of presence are sent only once: after a disconnection, ask.
      if (name === "connected" && !this.#connected && this.#watching) this.#run(this.askPresence());
      this.#connected = name === "connected";
    });
    this.#stop = [() => subscription.unsubscribe(), endState];
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#stop) stop();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  /** Unread messages, and unseen notifications. */
  get unread(): number {
    return this.conversations.unread + this.notices.unseen;
  }

  #handlers(): TopicHandlers {
    return {
      onSubscribed: () => this.load(),
      onReset: () => this.load(),
      onRefused: () => {
        this.state = "failed";
        this.#callbacks.changed();
      },
      message: ({ at, data }) => {
        const message = this.#take("message", readMessage({ ...fieldsOf(data), at }));
        if (message !== undefined) this.#received(message);
      },
      receipt: ({ data }) => {
        const receipt = this.#take("receipt", readReceipt(data));
        if (receipt === undefined) return;
        this.conversations.receipt(receipt);
        this.#callbacks.changed();
      },
      typing: ({ data }) => {
        const { from, forMs } = fieldsOf(data);
        const { id } = fieldsOf(from);
        const entry = isText(id) ? this.conversations.find(id) : undefined;
        if (entry === undefined) return;
        const ms = Math.min(TYPING_MS_MAX, isCount(forMs) ? forMs : TYPING_MS);
        entry.typingUntil = Date.now() + ms;
        this.#later(`typing ${entry.id}`, ms, () => this.#callbacks.changed());
        this.#callbacks.changed();
      },
      presence: ({ data }) => {
        const { member } = fieldsOf(data);
        const presence = this.#take("presence", isText(member) ? readPresence(data) : undefined);
        if (presence === undefined || !isText(member)) return;
        this.conversations.presence({ member, ...presence });
        this.#callbacks.changed();
      },
      notification: ({ seq = 0, at, data }) => {
        const notice = this.#take("notification", readNotice({ seq, at, data }));
        if (notice === undefined || !this.notices.add(notice)) return;
        this.#callbacks.noticed(notice);
        this.#callbacks.changed();
      },
      "notification-removed": ({ data }) => {
        const { seq } = fieldsOf(data);
        if (isCount(seq) && this.notices.remove(seq)) this.#callbacks.changed();
      },
    };
  }

  /** Returns the item; counts one that could not be read. */
  #take<Item>(what: string, item: Item | undefined): Item | undefined {
    if (item === undefined) this.skips.add(what);
    return item;
  }

  #readMessages(page: unknown): Message[] {
    return readAll(fieldsOf(page)["messages"], readMessage, () => this.skips.add("message"));
  }

  /** Reads the lists, at the start and when the stream cannot recover missed events. */
  load(): void {
    this.#run(
      this.#load().catch((error: unknown) => {
        if (this.state !== "ready") this.state = "failed";
        throw error;
      }),
    );
  }

  async #load(): Promise<void> {
    const [talks, told] = (
      await Promise.all([
        this.#members.conversations({ limit: CONVERSATIONS_SHOWN }),
        this.#members.notifications({ limit: NOTICES_MAX }),
      ])
    ).map(fieldsOf);
    if (this.#closed) return;
    const unread = talks?.["unread"];
    this.conversations.merge({
      conversations: readAll(talks?.["conversations"], readConversation, () =>
        this.skips.add("conversation"),
      ),
      unread: isCount(unread) ? unread : 0,
    });
    const notices = readAll(told?.["notifications"], readNotice, () =>
      this.skips.add("notification"),
    );
    for (const notice of notices) {
      if (fieldsOf(notice.data)["removed"] === true) this.notices.remove(notice.seq);
      else this.notices.add(notice);
    }
    this.state = "ready";
    for (const entry of this.conversations.list) this.#delivered(entry);
    if (this.thread !== undefined) await this.#read(this.thread);
  }

  #received(message: Message): void {
    const { entry, isNew, isKnown } = this.conversations.receive(message);
    // Only the list has the name, where the message came from another device of the member.
    if (!isKnown && this.state === "ready") this.load();
    if (this.thread?.other === entry.id) this.thread.add(message);
    if (isNew && message.from.id !== this.me.id) {
      this.#delivered(entry);
      this.#callbacks.messaged(entry, message);
    }
    this.#seen();
    this.#callbacks.changed();
  }

  /** Whether the inbox is open and the page visible. */
  watch(watching: boolean): void {
    if (watching && !this.#watching) this.#run(this.askPresence());
    this.#watching = watching;
    this.#seen();
  }

  /** Reads the open conversation again. */
  retry(): void {
    if (this.thread !== undefined) this.open(this.#entry(this.thread));
  }

  /** Opens the conversation with a member, also a new one. */
  open(person: Person): void {
    const entry = this.conversations.with(person);
    this.thread = new Thread(entry.id);
    this.threadState = "loading";
    this.#run(this.#read(this.thread));
    this.#run(this.#ask(entry));
    this.#callbacks.changed();
  }

  /** Back to the list. */
  leave(): void {
    this.thread = undefined;
    this.#callbacks.changed();
  }

  async #read(thread: Thread): Promise<void> {
    try {
      const page = await this.#talk(thread.other).history({ limit: MESSAGES_PAGE });
      const messages = this.#readMessages(page);
      const entry = this.#entry(thread);
      entry.seen = Math.max(entry.seen, readCursors(page).seen);
      entry.other = readCursors(page.other);
      for (const message of messages.slice(-1)) this.conversations.receive(message);
      thread.show(messages);
      this.threadState = "ready";
      this.#seen();
    } catch (error) {
      if (this.thread === thread && this.threadState === "loading") this.threadState = "failed";
      throw error;
    }
  }

  loadEarlier(): void {
    const { thread } = this;
    if (thread?.first === undefined || this.loadingEarlier) return;
    this.loadingEarlier = true;
    const page = this.#talk(thread.other).history({ before: thread.first, limit: MESSAGES_PAGE });
    this.#run(
      page
        .then((answer) => thread.prepend(this.#readMessages(answer)))
        .finally(() => (this.loadingEarlier = false)),
    );
  }

  /** Shows the message at once and sends it. A refused one stays, with the reason. */
  send(text: string, key = newClientId()): void {
    const { thread } = this;
    if (thread === undefined) return;
    thread.startLocal(key, text, Date.now());
    this.#callbacks.changed();
    this.#run(
      this.#talk(thread.other)
        .send(text, { clientId: key })
        .then(
          (answer) => {
            // Without it the message is confirmed by the stream.
            const message = this.#take("message", readMessage(answer));
            if (message !== undefined) this.#received(message);
          },
          (error: unknown) => thread.failLocal(key, toRefusal(error).code),
        ),
    );
  }

  typing(on: boolean): void {
    if (this.thread !== undefined) this.#run(this.#talk(this.thread.other).typing(on));
  }

  seeNotices(): void {
    this.notices.seen = Math.max(this.notices.seen, this.notices.newest);
    remember(this.#seenKey, String(this.notices.seen));
    this.#callbacks.changed();
  }

  /** Asks for the presence of the first members in the list. */
  async askPresence(): Promise<void> {
    await Promise.all(
      this.conversations.list.slice(0, PRESENCE_ASKED_MAX).map((entry) => this.#ask(entry)),
    );
  }

  async #ask(entry: Entry): Promise<void> {
    try {
      entry.presence = readPresence(await this.#talk(entry.id).presence());
    } catch (error) {
      // Presence is private to this member: show none.
      if (toRefusal(error).code !== "forbidden") throw error;
      entry.presence = undefined;
    }
  }

  /** Reports that the messages of the open conversation were seen. */
  #seen(): void {
    if (!this.#watching || this.thread === undefined || this.threadState !== "ready") return;
    const entry = this.#entry(this.thread);
    if (entry.last.n <= entry.seen) return;
    const seen = entry.last.n;
    entry.seen = seen;
    entry.delivered = Math.max(entry.delivered, seen);
    this.#run(this.#talk(entry.id).receipt({ seen }).then(nothing));
  }

  /** Reports that messages have reached this device. */
  #delivered(entry: Entry): void {
    this.#later(`delivered ${entry.id}`, DELIVERED_DELAY_MS, () => {
      const { last } = entry;
      if (last.n <= Math.max(entry.delivered, entry.seen) || last.from === this.me.id) return;
      entry.delivered = last.n;
      this.#run(this.#talk(entry.id).receipt({ delivered: last.n }).then(nothing));
    });
  }

  #entry({ other }: Thread): Entry {
    return this.conversations.with({ id: other, name: other });
  }

  #talk(other: string): ReturnType<MembersApi["conversation"]> {
    const known = this.#talks.get(other) ?? this.#members.conversation(other);
    this.#talks.set(other, known);
    return known;
  }

  get #seenKey(): string {
    return `notices:${this.me.id}`;
  }

  /** One timer for each name; a later call replaces the earlier one. */
  #later(name: string, ms: number, run: () => void): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(
      name,
      setTimeout(() => {
        this.#timers.delete(name);
        run();
      }, ms),
    );
  }

  /** Runs something that ends in a change of the visible state. */
  #run(work: Promise<void>): void {
    work
      .catch((error: unknown) => console.warn("live-inbox:", error))
      .finally(() => {
        if (!this.#closed) this.#callbacks.changed();
      });
  }
}

function nothing(): void {}
