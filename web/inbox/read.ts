/** Reads the inbox's events and responses, as `element/read.ts` does: `undefined` if malformed. */

import type {
  Conversation,
  Cursors,
  Message,
  Notice,
  Person,
  PresenceStatus,
  ReceiptData,
} from "@ovation/client";
import {
  type Fields,
  fieldsOf,
  isCount,
  isRecord,
  isText,
  isTime,
  readAuthor,
} from "../element/read.ts";

const optional = (value: unknown, is: (value: unknown) => boolean): boolean =>
  value === undefined || is(value);

function readPerson(value: unknown): Person | undefined {
  const { id, name } = fieldsOf(value);
  return isText(id) && isText(name) ? { id, name } : undefined;
}

export function readMessage(value: unknown): Message | undefined {
  const fields = fieldsOf(value);
  const { n, at, text, clientId } = fields;
  const from = readAuthor(fields["from"]);
  const { id } = fieldsOf(fields["to"]);
  if (!isCount(n) || !isTime(at) || !isText(text) || !isText(id) || from === undefined)
    return undefined;
  return { n, at, text, from, to: { id }, ...(isText(clientId) && { clientId }) };
}

/** A missing number counts as 0: numbers only rise. */
export function readCursors(value: unknown): Cursors {
  const { seen, delivered } = fieldsOf(value);
  return { seen: isCount(seen) ? seen : 0, delivered: isCount(delivered) ? delivered : 0 };
}

export function readReceipt(value: unknown): ReceiptData | undefined {
  const fields = fieldsOf(value);
  const from = readPerson(fields["from"]);
  const { id } = fieldsOf(fields["with"]);
  if (from === undefined || !isText(id)) return undefined;
  return { from, with: { id }, ...readCursors(fields) };
}

export function readConversation(value: unknown): Conversation | undefined {
  const fields = fieldsOf(value);
  const person = readPerson(fields["with"]);
  const { n, at, from, text } = fieldsOf(fields["last"]);
  if (person === undefined || !isCount(n) || !isTime(at) || !isText(from) || !isText(text))
    return undefined;
  const { unread } = fields;
  return {
    with: person,
    last: { n, at, from, text },
    unread: isCount(unread) ? unread : 0,
    seen: readCursors(fields).seen,
    other: readCursors(fields["other"]),
  };
}

/** Any `kind` is read: the view shows one that it does not know as a plain notification. */
export function readNotice(value: unknown): Notice | undefined {
  const { seq, at, data } = fieldsOf(value);
  if (!isCount(seq) || !isTime(at) || !isRecord(data) || !hasForm(data)) return undefined;
  return { seq, at, data: data as unknown as Notice["data"] };
}

function hasForm({ kind, video, reason, from, text, until }: Fields): boolean {
  if (!isText(kind) || !optional(video, isText) || !optional(reason, isText)) return false;
  if (kind === "reply" || kind === "mention") return readPerson(from) !== undefined && isText(text);
  if (kind === "timed-out") return isTime(until);
  return kind !== "banned" || optional(until, isTime);
}

export function readPresence(value: unknown): PresenceStatus | undefined {
  const { online, seenAt } = fieldsOf(value);
  if (typeof online !== "boolean") return undefined;
  return { online, ...(isTime(seenAt) && { seenAt }) };
}
