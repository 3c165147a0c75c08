/**
 * The idempotency keys of publishers in the log, and what a repeated one means. The key of a member
 * begins with their id and has one space; what begins with a space is the system's, and a publisher's is
 * of those: so no member's key is ever the same as a publisher's.
 */

import type { Appended } from "@ovation/log";
import type { JsonText } from "@ovation/protocol";

export function publisherKey(id: string): string {
  return ` publish ${id}`;
}

/** Whether what was appended is what was published: new, or the same as under this key before. */
export function isRetry(
  { duplicate, stored }: Appended,
  published: { readonly type: string; readonly data: JsonText },
): boolean {
  if (!duplicate || stored === undefined) return true;
  if (stored.type !== published.type) return false;
  if (stored.data === published.data) return true;
  const before: unknown = JSON.parse(stored.data);
  // What a moderator took out meanwhile cannot be compared any more; a retry is the likelier case.
  if (isRemoved(before)) return true;
  return Bun.deepEquals(before, JSON.parse(published.data), true);
}

function isRemoved(data: unknown): boolean {
  return typeof data === "object" && data !== null && "removed" in data && data.removed === true;
}
