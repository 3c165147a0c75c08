/** Bounds the close of stores: a supervisor does not wait for a database that hangs. */

import { type Clock, steadyClock } from "@ovation/protocol";

/** A supervisor waits 20 s (`deploy/systemd`); listeners and comments take at most 11 of them. */
export const CLOSE_MS_MAX = 4_000;

/** Resolves when all have settled, or after `ms`; returns whether all had. */
export async function closeWithin(
  ms: number,
  closing: readonly (Promise<unknown> | undefined)[],
  clock: Clock = steadyClock,
): Promise<boolean> {
  const overdue = Promise.withResolvers<boolean>();
  const cancel = clock.after(ms, () => overdue.resolve(false));
  const all = Promise.allSettled(closing).then(() => true);
  const inTime = await Promise.race([all, overdue.promise]);
  cancel();
  return inTime;
}
