/** Time-outs and bans, in SQL. */

import { numberOf, type SqlDatabase, type SqlRow, textOf } from "@ovation/database";
import type { Sanction, SanctionStore } from "../member-stores.ts";

const COLUMNS = "member, video, kind, until_at, reason, made_at, made_by";
const IN_FORCE = "(until_at IS NULL OR until_at > $2)";

export function createSqlSanctionStore(database: SqlDatabase): SanctionStore {
  return {
    async put(sanction) {
      const { member, video, kind, until, reason, at, by } = sanction;
      await database.run(
        `INSERT INTO ovation_sanctions (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (member, video) DO UPDATE SET kind = excluded.kind,
           until_at = excluded.until_at, reason = excluded.reason,
           made_at = excluded.made_at, made_by = excluded.made_by`,
        [member, video, kind, until, reason, at, by],
        "replaces",
      );
    },
    async forgetEnded(before, limit) {
      const gone = await database.run(
        `DELETE FROM ovation_sanctions WHERE (member, video) IN
           (SELECT member, video FROM ovation_sanctions WHERE until_at < $1 LIMIT $2)
         RETURNING member`,
        [before, limit],
      );
      return gone.length;
    },
    async remove(member, video) {
      const rows = await database.run(
        "DELETE FROM ovation_sanctions WHERE member = $1 AND video = $2 RETURNING member",
        [member, video],
      );
      return rows.length > 0;
    },
    async of(member, now) {
      const rows = await database.select("ovation_sanctions", "WHERE member = $1", [member]);
      // Here and not in SQL: a damaged time must not end a ban.
      return rows.map(toSanction).filter(({ until }) => until === null || until > now);
    },
    async list(video, now, limit, from) {
      const rows = await database.select(
        "ovation_sanctions",
        `WHERE video = $1 AND ${IN_FORCE} AND (made_at < $4 OR ($5 <> '' AND made_at = $4
           AND member > $5))
         ORDER BY made_at DESC, member LIMIT $3`,
        [video, now, limit, from?.at ?? Number.MAX_SAFE_INTEGER, from?.id ?? ""],
        "leave out",
      );
      return rows.map(toSanction);
    },
  };
}

function toSanction(row: SqlRow): Sanction {
  return {
    member: textOf(row.member),
    video: textOf(row.video),
    kind: row.kind === "ban" ? "ban" : "time-out",
    until: row.until_at === null ? null : numberOf(row.until_at),
    reason: textOf(row.reason),
    at: numberOf(row.made_at),
    by: textOf(row.made_by),
  };
}
