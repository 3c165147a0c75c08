/**
 * Reads events and responses. Any publisher, and a server of another version, may have written
 * them: a value of another form is `undefined` here, and the caller skips and counts it.
 *
 * Without a schema library: pages load this, and the smallest library is larger than it.
 */

import type { Author, Comment } from "@ovation/client";

export type Fields = Readonly<Record<string, unknown>>;

/** Beyond it `Date` and `Intl` throw. [spec] ECMA-262, Time Values */
export const TIME_MS_MAX = 8.64e15;

export function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

/** The properties of an object; none where the value is no object. */
export function fieldsOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** A whole number from 0. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** ms since 1970. */
export function isTime(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= TIME_MS_MAX;
}

export function isRole(value: unknown): value is Author["role"] {
  return value === "host" || value === "moderator" || value === "member" || value === "guest";
}

/** An unknown role of a later server becomes `member`: the comment matters more than the badge. */
export function readAuthor(value: unknown): Author | undefined {
  const { id, name, role, avatar } = fieldsOf(value);
  if (!isText(id) || !isText(name)) return undefined;
  return { id, name, role: isRole(role) ? role : "member", ...(isText(avatar) && { avatar }) };
}

export function readComment(value: unknown): Comment | undefined {
  const fields = fieldsOf(value);
  const { seq, at, clientId, replyTo } = fields;
  const removed = fields["removed"] === true;
  // A removed comment may have lost its text.
  const text = removed && !isText(fields["text"]) ? "" : fields["text"];
  const author = readAuthor(fields["author"]);
  if (!isCount(seq) || !isTime(at) || !isText(text) || author === undefined) return undefined;
  return {
    seq,
    at,
    text,
    author,
    ...(isText(clientId) && { clientId }),
    ...(isCount(replyTo) && { replyTo }),
    ...(removed && { removed }),
  };
}

/** All likes of all kinds. */
export function readTotal(value: unknown): number {
  return Object.values(fieldsOf(value)).reduce<number>(
    (sum, count) => (isCount(count) ? Math.min(sum + count, Number.MAX_SAFE_INTEGER) : sum),
    0,
  );
}

/** `data` of `likes`: all so far, and those that are new. */
export function readLikes(
  value: unknown,
): { readonly total: number; readonly fresh: number } | undefined {
  const { total, ...kinds } = fieldsOf(value);
  return isRecord(total) ? { total: readTotal(total), fresh: readTotal(kinds) } : undefined;
}

/** The items of a list that can be read. Throws where there is no list: the response is invalid. */
export function readAll<Item>(
  value: unknown,
  read: (item: unknown) => Item | undefined,
  onSkip: () => void,
): Item[] {
  if (!Array.isArray(value)) throw new TypeError("the answer has no list");
  return value.flatMap((each: unknown) => {
    const item = read(each);
    if (item === undefined) onSkip();
    return item ?? [];
  });
}
