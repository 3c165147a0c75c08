/**
 * Messages between two members. A conversation has its own topic, without subscribers: it numbers
 * the messages. Each is then a durable `message` on the topics of both members: the recipient's for
 * all their devices, the author's for their other ones.
 *
 * An acknowledged message is committed in all three. A crash in between leaves a message without
 * acknowledgement; a retry with the same `clientId` completes it, once.
 */

import { createHash } from "node:crypto";
import {
  type DurableEvent,
  type Identity,
  type JsonText,
  Problem,
  type Topic,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import type { Author } from "../comment.ts";
import { MESSAGE_PREVIEW_CODE_POINTS } from "../limits.ts";
import type { People, Service } from "../service.ts";

/** A message as both sides see it. `n` is its number in the conversation. */
export interface MemberMessage {
  readonly n: number;
  readonly at: number;
  readonly from: Author;
  readonly to: { readonly id: string };
  readonly text: string;
  readonly clientId?: string;
}

export interface NewMemberMessage {
  readonly text: string;
  readonly clientId?: string | undefined;
}

export function conversationTopic(a: string, b: string): Topic {
  // Two ids may be longer than one topic's id; neither holds a space.
  const pair = a < b ? `${a} ${b}` : `${b} ${a}`;
  return topicOf(
    "conversation",
    createHash("sha256").update(pair).digest("base64url").slice(0, 32),
  );
}

/** Answers the message, and its `seq` on the author's own topic. Throws `key-reused`. */
export async function sendMessage(
  service: Service,
  people: People,
  sender: Identity,
  to: string,
  message: NewMemberMessage,
): Promise<MemberMessage & { readonly seq: number }> {
  const topic = conversationTopic(sender.sub, to);
  const { name, role, avatar } = sender;
  const from: Author = { id: sender.sub, name, role, ...(avatar === undefined ? {} : { avatar }) };
  const data = {
    from,
    to: { id: to },
    text: message.text,
    ...(message.clientId === undefined ? {} : { clientId: message.clientId }),
  };
  const [appended] = await service.writer.write([
    {
      topic,
      type: "message",
      at: service.clock.now(),
      data: toJsonText(data),
      ...(message.clientId === undefined ? {} : { key: `${sender.sub} ${message.clientId}` }),
      only: "store",
    },
  ]);
  if (appended === undefined) throw new Error("the log answered nothing for an entry");
  const stored = appended.duplicate
    ? (JSON.parse(appended.stored?.data ?? "{}") as typeof data)
    : data;
  if (stored.text !== message.text)
    throw new Problem("key-reused", "This clientId was used for another message");

  const n = appended.place.seq;
  const { at } = appended;
  await people.stores.conversations.record({
    from: sender.sub,
    to,
    number: n,
    at,
    text: previewOf(message.text),
  });
  const complete: MemberMessage = { n, at, ...stored };
  const json = toJsonText(withoutAt(complete));
  const key = ` message ${topic} ${n}`;
  const [own] = await service.writer.write(
    [sender.sub, to].map((id) => ({
      topic: topicOf("member", id),
      type: "message",
      at,
      data: json,
      key,
    })),
  );
  return { ...complete, seq: own?.place.seq ?? 0 };
}

/** A message of the conversation's topic. */
export function messageOf({ place, at, data }: DurableEvent): MemberMessage {
  return { n: place.seq, at, ...(JSON.parse(data) as Omit<MemberMessage, "n" | "at">) };
}

/** The cursors of the reader, for the other member and for the reader's own devices. */
export async function appendReceipt(
  service: Service,
  reader: Identity,
  other: string,
  cursors: { seen: number; delivered: number },
): Promise<void> {
  const at = service.clock.now();
  const data: JsonText = toJsonText({
    from: { id: reader.sub, name: reader.name },
    with: { id: other },
    ...cursors,
  });
  await service.writer.write(
    [other, reader.sub].map((id) => ({ topic: topicOf("member", id), type: "receipt", at, data })),
  );
}

function withoutAt({ at: _at, ...rest }: MemberMessage) {
  return rest;
}

function previewOf(text: string): string {
  return [...text.replaceAll("\n", " ")].slice(0, MESSAGE_PREVIEW_CODE_POINTS).join("");
}
