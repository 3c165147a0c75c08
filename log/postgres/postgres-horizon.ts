/**
 * The horizon: a stamp below which no append can still appear, found without any clock.
 *
 * An append is given a transaction number when it locks its topics, and takes its stamp after that,
 * above every stamp that is committed by then. So an append whose number is not below the number
 * that was next at an earlier look (`next`) has a stamp above everything that this look saw
 * (`newest`). A look also names the oldest append in flight. Whatever a statement after it
 * does not see was in flight in this look, with that number or a higher one, or was given its
 * number, and took its stamp, after it. The newest look whose `next` is not above the oldest number
 * therefore has the horizon; with no append in flight, the look itself has. (The `xmax` of a
 * snapshot will not do for `next`: numbers above it may be in flight.)
 *
 * The server's clock may stand, jump and return: the horizon is behind by the age of the oldest
 * append and no more. Appends are known by their lock on the table of topics, which every role may
 * see and a pooler does not hide. An import locks that table as no append does: it is not waited
 * for.
 */

import type { Stamp } from "@ovation/protocol";
import { POSTGRES_LOOKS_MAX } from "../limits.ts";

/**
 * One statement: `newest` is of its snapshot, which is taken before `next` and the locks are read.
 * Locks and `age` know the low 32 bits of a number; the snapshot has the others.
 */
export const LOOK = `
  WITH locks AS MATERIALIZED (SELECT * FROM pg_locks),
  appends AS (
    SELECT virtualtransaction FROM locks
    WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND relation = 'ovation_log.topics'::regclass
    GROUP BY virtualtransaction
    HAVING bool_or(mode IN ('RowShareLock', 'RowExclusiveLock'))
      AND NOT bool_or(granted AND mode = 'ShareRowExclusiveLock')
  )
  SELECT n.next::double precision AS next,
    (SELECT coalesce(max(stamp), 0)::double precision FROM ovation_log.topics) AS newest,
    (SELECT max((n.next - t.transactionid::text::bigint + 6442450944) % 4294967296 - 2147483648)
      FROM locks t WHERE t.locktype = 'transactionid' AND t.mode = 'ExclusiveLock' AND t.granted
        AND t.virtualtransaction IN (SELECT virtualtransaction
          FROM appends))::double precision AS behind,
    concat_ws('/', extract(epoch FROM pg_postmaster_start_time()),
      'ovation_log.topics'::regclass::oid) AS server
  FROM (
    SELECT x.completed + (age('3'::xid)::bigint + 3 - x.completed % 4294967296 + 8589934592)
      % 4294967296 AS next
    FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS completed) x
  ) n`;

export interface Look {
  /** The next transaction number. */
  readonly next: number;
  /** The newest stamp that is committed. */
  readonly newest: Stamp;
  /** How far the oldest append in flight is behind `next`; null where none is in flight. */
  readonly behind: number | null;
  /** Which run of which server over which tables: numbers of another one say nothing. */
  readonly server: string;
}

export class Horizon {
  #server = "";
  /**
   * In the order of their answers; the first is one that was known to be below everything under
   * way.
   */
  #looks: Look[] = [];

  /**
   * What this look and the earlier ones prove; `undefined` where an append is older than all of
   * them.
   */
  after(look: Look): Stamp | undefined {
    if (look.server !== this.#server) this.#looks = [];
    this.#server = look.server;
    if (look.behind === null) {
      this.#looks = [look];
      return look.newest;
    }
    if (this.#looks.length < POSTGRES_LOOKS_MAX) this.#looks.push(look);
    const oldest = look.next - look.behind;
    const proven = this.#looks.findLastIndex(({ next }) => next <= oldest);
    if (proven > 0) this.#looks = this.#looks.slice(proven);
    return proven < 0 ? undefined : this.#looks[0]?.newest;
  }
}
