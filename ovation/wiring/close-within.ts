/** Closing what may no longer answer: a stop has its grace, and a frozen database has none. */

import { type Clock, steadyClock } from "@ovation/protocol";

/** A supervisor's grace is 20 s (`deploy/systemd`); listeners and comments take at most 11 of it. */
export const CLOSE_MS_MAX = 4_000;

/** Resolves when all of them have settled, or when `ms` have passed; answers whether all had. */
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
