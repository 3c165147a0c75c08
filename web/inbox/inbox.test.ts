/** Conversations, notices, threads: in any order of events, each message once, rising numbers. */

import { describe, expect, test } from "bun:test";
import type { Conversation, Message, Notice, NotificationData } from "@ovation/client";
import fc from "fast-check";
import arabic from "../i18n/inbox-ar.json";
import german from "../i18n/inbox-de.json";
import spanish from "../i18n/inbox-es.json";
import type { Catalogue } from "../i18n/phrases.ts";
import { Conversations, unreadOf } from "./conversations.ts";
import { Notices } from "./notices.ts";
import { Thread } from "./thread.ts";
import { createWords, daysBetween, english, type WordKey } from "./words.ts";

const PEOPLE = { ana: "Ana", ben: "Ben" } as const;
type Id = keyof typeof PEOPLE;

function message(n: number, from: Id, clientId?: string): Message {
  const to = from === "ana" ? "ben" : "ana";
  const author = { id: from, name: PEOPLE[from], role: "member" } as const;
  return {
    n,
    at: 1000 + n,
    from: author,
    to: { id: to },
    text: `text ${n}`,
    ...(clientId === undefined ? {} : { clientId }),
  };
}

function listed(last: number, seen: number): Conversation {
  const none = { seen: 0, delivered: 0 };
  return {
    with: { id: "ben", name: "Ben" },
    last: { n: last, at: 1000 + last, from: "ben", text: "" },
    unread: last - seen,
    seen,
    other: none,
  };
}

describe("a conversation", () => {
  test("has each message once and in order, whichever way pages, echoes and repeats arrive", () => {
    const all = Array.from({ length: 30 }, (_, index) =>
      message(index + 1, index % 3 === 0 ? "ana" : "ben", `key-${index + 1}`),
    );
    fc.assert(
      fc.property(
        fc.array(fc.nat(29), { minLength: 1, maxLength: 60 }),
        fc.nat(29),
        (order, from) => {
          const thread = new Thread("ben");
          thread.startLocal("key-1", "text 1", 5);
          for (const index of order) thread.add(all[index]!);
          thread.show(all.slice(from));
          while (thread.hasEarlier)
            thread.prepend(all.filter(({ n }) => n < (thread.first ?? 0)).slice(-7));
          for (const each of all) thread.add(each);
          expect(thread.bubbles.map(({ n }) => n)).toEqual(all.map(({ n }) => n));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("keeps what failed with its text, until it is sent or put away", () => {
    const thread = new Thread("ben");
    thread.startLocal("a", "hello", 1);
    thread.failLocal("a", "network");
    expect(thread.bubbles).toMatchObject([
      { key: "a", state: "failed", problem: "network", text: "hello", own: true },
    ]);
    thread.startLocal("a", "hello", 2);
    expect(thread.bubbles).toMatchObject([{ key: "a", state: "sending" }]);
    thread.add(message(1, "ana", "a"));
    expect(thread.bubbles).toMatchObject([{ key: "a", n: 1, state: "sent" }]);
  });
});

describe("the list of conversations", () => {
  test("counts what is unread the same whether the list or the event comes first", () => {
    const [one, other] = [new Conversations("ana"), new Conversations("ana")];
    const page = { conversations: [listed(3, 1)], unread: 6 };
    one.merge(page);
    one.receive(message(4, "ben"));
    other.receive(message(4, "ben"));
    other.merge(page);
    for (const conversations of [one, other]) {
      expect(unreadOf(conversations.list[0]!)).toBe(3);
      // Four more are in conversations that are not in the list.
      expect(conversations.unread).toBe(7);
    }
  });

  test("what was read on another device is read, and an older receipt takes nothing back", () => {
    const conversations = new Conversations("ana");
    conversations.merge({ conversations: [listed(5, 1)], unread: 4 });
    const receipt = { from: { id: "ana", name: "Ana" }, with: { id: "ben" }, delivered: 5 };
    conversations.receipt({ ...receipt, seen: 5 });
    conversations.receipt({ ...receipt, seen: 3 });
    expect(conversations.unread).toBe(0);
    conversations.receipt({
      from: { id: "ben", name: "Ben" },
      with: { id: "ana" },
      seen: 2,
      delivered: 4,
    });
    conversations.receipt({
      from: { id: "ben", name: "Ben" },
      with: { id: "ana" },
      seen: 3,
      delivered: 3,
    });
    expect(conversations.find("ben")?.other).toEqual({ seen: 3, delivered: 4 });
  });

  test("sending marks all as read; the other's typing ends only with their message", () => {
    const conversations = new Conversations("ana");
    const { entry } = conversations.receive(message(1, "ben"));
    entry.typingUntil = 99;
    conversations.receive(message(2, "ana"));
    expect([unreadOf(entry), entry.typingUntil]).toEqual([0, 99]);
    conversations.receive(message(3, "ben"));
    expect([unreadOf(entry), entry.typingUntil]).toEqual([1, 0]);
  });
});

describe("notifications", () => {
  const notice = (seq: number, data: NotificationData): Notice => ({ seq, at: seq, data });

  test("each is there once, and new until it was looked at", () => {
    const notices = new Notices();
    expect(notices.add(notice(2, { kind: "restored" }))).toBe(true);
    expect(notices.add(notice(2, { kind: "restored" }))).toBe(false);
    notices.add(notice(1, { kind: "restored" }));
    expect([notices.unseen, notices.newest]).toEqual([2, 2]);
    notices.seen = 1;
    expect(notices.unseen).toBe(1);
  });

  test("a sanction holds in its video or everywhere, until it ends, is replaced or lifted", () => {
    const notices = new Notices();
    notices.add(notice(1, { kind: "timed-out", until: 500, video: "a" }));
    expect(notices.sanction(100, "a")).toMatchObject({ until: 500 });
    expect(notices.sanction(100, "b")).toBeUndefined();
    expect(notices.sanction(500, "a")).toBeUndefined();
    notices.add(notice(2, { kind: "banned", reason: "enough" }));
    expect(notices.sanction(100, "b")).toMatchObject({ kind: "banned" });
    notices.add(notice(3, { kind: "restored" }));
    expect(notices.sanction(100, "b")).toBeUndefined();
    expect(notices.sanction(100, "a")).toMatchObject({ kind: "timed-out" });
    notices.add(notice(4, { kind: "restored", video: "a" }));
    expect(notices.sanction(100, "a")).toBeUndefined();
  });
});

describe("words", () => {
  test("exist in every language, with the same places for values", () => {
    const places = (phrase: unknown): string[] =>
      [...new Set(JSON.stringify(phrase).match(/\{(name|text)\}/g) ?? [])].sort();
    const catalogues: readonly (readonly [string, Catalogue])[] = [
      ["ar", arabic],
      ["de", german],
      ["es", spanish],
    ];
    for (const [language, catalogue] of catalogues) {
      expect(Object.keys(catalogue).sort(), language).toEqual(Object.keys(english).sort());
      for (const key of Object.keys(english))
        expect(places(catalogue[key]), `${language} ${key}`).toEqual(
          places(english[key as WordKey]),
        );
    }
  });

  test("days are the reader's: midnight makes yesterday, however few minutes ago", () => {
    const midnight = new Date(2026, 2, 29).getTime();
    expect(daysBetween(midnight - 60_000, midnight + 60_000)).toBe(1);
    expect(daysBetween(midnight + 60_000, midnight + 23 * 3_600_000)).toBe(0);
    expect(createWords("en").day(midnight - 60_000, midnight)).toBe("Yesterday");
    expect(createWords("de", german).problem("forbidden")).toBe(
      "Du kannst diesem Mitglied nicht schreiben.",
    );
  });
});
