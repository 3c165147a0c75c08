/**
 * The idempotency keys of publishers in the log, and what a repeated one means. A member's key is
 * the member's id, a space and a text; a publisher's begins with a space: the two never collide.
 */

import type { Appended } from "@ovation/log";
import type { JsonText } from "@ovation/protocol";

export function publisherKey(id: string): string {
  return ` publish ${id}`;
}

/** Whether the stored event is the published one: new, or a retry with the same content. */
export function isRetry(
  { duplicate, stored }: Appended,
  published: { readonly type: string; readonly data: JsonText },
): boolean {
  if (!duplicate || stored === undefined) return true;
  if (stored.type !== published.type) return false;
  if (stored.data === published.data) return true;
  const before: unknown = JSON.parse(stored.data);
  // Removed by a moderator meanwhile, and so not comparable: a retry is the likelier case.
  if (isRemoved(before)) return true;
  return Bun.deepEquals(before, JSON.parse(published.data), true);
}

function isRemoved(data: unknown): boolean {
  return typeof data === "object" && data !== null && "removed" in data && data.removed === true;
}
