import { afterEach, expect, spyOn, test } from "bun:test";
import type { Client, TopicHandlers } from "@ovation/client";
import fc from "fast-check";
import type { Me } from "../element/identity.ts";
import { describe as describeNotice } from "./describe.ts";
import { Inbox } from "./inbox.ts";
import { PRESENCE_ASKED_MAX, TYPING_MS_MAX } from "./limits.ts";
import { readNotice } from "./read.ts";
import { createWords } from "./words.ts";

const me: Me = { id: "me", name: "Me", role: "member", token: "" };
const ben = { id: "ben", name: "Ben", role: "member" };
const message = (n: number) => ({
  n,
  at: 1000 + n,
  from: ben,
  to: { id: "me" },
  text: `text ${n}`,
});
const talk = (n: number) => ({
  with: ben,
  last: { n, at: 1000 + n, from: "ben", text: "" },
  unread: 1,
  seen: n - 1,
  other: { seen: 0, delivered: 0 },
});
const notice = (seq: number) => ({ seq, at: 1000, data: { kind: "restored" } });

const inboxes: Inbox[] = [];
afterEach(() => {
  for (const inbox of inboxes.splice(0)) inbox.close();
});

function begin(answers: Readonly<Record<string, unknown>> = {}) {
  let handlers: Record<string, (event: unknown) => void> = {};
  const heard = { messages: 0, notices: 0, skipped: 0 };
  const client = {
    subscribe: (_: string, given: TopicHandlers) => {
      handlers = given as unknown as typeof handlers;
      return { topic: "", unsubscribe: () => {} };
    },
    onState: () => () => {},
    request: async (_: string, path: string) =>
      Object.entries(answers).find(([part]) => path.includes(part))?.[1],
  } as unknown as Client;
  const inbox = new Inbox(client, me, {
    changed: () => {},
    noticed: () => heard.notices++,
    messaged: () => heard.messages++,
    skipped: (count) => {
      heard.skipped = count;
    },
  });
  inboxes.push(inbox);
  const receive = (type: string, data: unknown, at: unknown = 1000) =>
    handlers[type]?.({ topic: "member:me", type, seq: 1, at, data });
  return { inbox, heard, receive, handlers };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

test("odd entries of the lists are left out and counted, and the others are shown", async () => {
  const warn = spyOn(console, "warn").mockImplementation(() => {});
  const { inbox, heard, handlers } = begin({
    conversations: {
      conversations: [talk(3), null, { with: ben }, { ...talk(4), with: 5 }],
      unread: 1,
    },
    notifications: {
      notifications: [notice(1), { seq: 2 }, { ...notice(3), at: 1e300 }, 7],
      head: 3,
    },
  });
  handlers["onSubscribed"]?.({ head: 0 });
  await settled();
  expect(inbox.state).toBe("ready");
  expect(inbox.conversations.list.map(({ id }) => id)).toEqual(["ben"]);
  expect(inbox.notices.list.map(({ seq }) => seq)).toEqual([1]);
  expect(heard.skipped).toBe(6);
  expect(warn).toHaveBeenCalledTimes(1);
  warn.mockRestore();
});

test("odd messages of a conversation leave the others in it", async () => {
  const { inbox, heard } = begin({
    "/messages": {
      messages: [message(1), null, { n: 2 }, message(3)],
      head: 3,
      seen: "1",
      other: null,
    },
  });
  inbox.open(ben);
  await settled();
  expect(inbox.threadState).toBe("ready");
  expect(inbox.thread?.bubbles.map(({ n }) => n)).toEqual([1, 3]);
  expect(heard.skipped).toBeGreaterThanOrEqual(2);
});

test("no event throws into the stream, and the message after it arrives", () => {
  const warn = spyOn(console, "warn").mockImplementation(() => {});
  const types = fc.constantFrom("message", "receipt", "typing", "presence", "notification");
  const person = fc.record({ id: fc.anything(), name: fc.anything() }, { requiredKeys: [] });
  const value = fc.oneof(
    fc.anything({ withNullPrototype: true, maxDepth: 3 }),
    fc.record(
      {
        n: fc.anything(),
        from: person,
        to: person,
        with: person,
        text: fc.anything(),
        forMs: fc.anything(),
        member: fc.anything(),
        online: fc.anything(),
        kind: fc.constantFrom("reply", "mention", "timed-out", "banned", "restored", "later"),
        until: fc.anything(),
        reason: fc.anything(),
        video: fc.anything(),
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(types, value, fc.anything()), { maxLength: 20 }), (events) => {
      const { inbox, heard, receive } = begin();
      for (const [type, data, at] of events) receive(type, data, at);
      const before = heard.messages;
      receive("message", message(1_000_000));
      expect(heard.messages).toBe(before + 1);
      inbox.close();
    }),
    { interruptAfterTimeLimit: 2000 },
  );
  warn.mockRestore();
});

test("every notification that is read can be described", () => {
  const words = createWords("en");
  const data = fc.record(
    {
      kind: fc.constantFrom("comment-removed", "reply", "mention", "timed-out", "banned", "later"),
      from: fc.oneof(fc.anything(), fc.constant(ben)),
      text: fc.anything(),
      until: fc.oneof(fc.anything(), fc.double()),
      reason: fc.anything(),
    },
    { requiredKeys: ["kind"] },
  );
  fc.assert(
    fc.property(data, (each) => {
      const read = readNotice({ seq: 1, at: 1, data: each });
      if (read !== undefined) expect(describeNotice(words, 0, read.data).title).toBeString();
    }),
    { interruptAfterTimeLimit: 1000 },
  );
});

test("typing holds TYPING_MS_MAX at most, whatever its event says", () => {
  const { inbox, receive } = begin();
  receive("message", message(1));
  receive("typing", { from: ben, forMs: 1e12 });
  const left = (inbox.conversations.find("ben")?.typingUntil ?? 0) - Date.now();
  expect(left).toBeGreaterThan(TYPING_MS_MAX - 5000);
  expect(left).toBeLessThanOrEqual(TYPING_MS_MAX);
});

test("PRESENCE_ASKED_MAX: so many of the list are asked for, those at its top", async () => {
  const conversations = Array.from({ length: PRESENCE_ASKED_MAX + 1 }, (_, index) => ({
    ...talk(index + 1),
    with: { ...ben, id: `m${index}` },
  }));
  const { inbox, handlers } = begin({
    presence: { online: true },
    conversations: { conversations, unread: 0 },
  });
  handlers["onSubscribed"]?.({ head: 0 });
  await settled();
  await inbox.askPresence();
  const known = inbox.conversations.list.map(({ presence }) => presence !== undefined);
  expect(known).toEqual([...Array<boolean>(PRESENCE_ASKED_MAX).fill(true), false]);
});
