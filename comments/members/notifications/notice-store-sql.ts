/** Who was told of which comment, in SQL. */

import { numberOf, placeholders, type SqlDatabase, textOf } from "@ovation/database";
import type { NoticeStore } from "../member-stores.ts";

export function createSqlNoticeStore(database: SqlDatabase): NoticeStore {
  return {
    async note({ video, seq, members, at }) {
      if (members.length === 0) return;
      await database.run(
        `INSERT INTO ovation_notices (video, seq, member, at)
           VALUES ${placeholders(members.length, 4)}
         ON CONFLICT (video, seq, member) DO NOTHING`,
        members.flatMap((member) => [video, seq, member, at]),
      );
    },
    async list(video, limit, seq) {
      const rows = await database.select(
        "ovation_notices",
        "WHERE video = $1 AND ($3 = 0 OR seq = $3) ORDER BY seq, member LIMIT $2",
        [video, limit, seq ?? 0],
        // A removal reaches the others who were told.
        "leave out",
      );
      return rows.map((row) => ({
        seq: numberOf(row.seq),
        member: textOf(row.member),
        at: numberOf(row.at),
      }));
    },
    async remove(video, seq, member) {
      await database.run(
        "DELETE FROM ovation_notices WHERE video = $1 AND seq = $2 AND member = $3",
        [video, seq, member],
      );
    },
    async forget(before, limit) {
      const gone = await database.run(
        `DELETE FROM ovation_notices WHERE (video, seq, member) IN
           (SELECT video, seq, member FROM ovation_notices WHERE at < $1 LIMIT $2)
         RETURNING member`,
        [before, limit],
      );
      return gone.length;
    },
    async linkProgress() {
      const [row] = await database.select("ovation_notice_links", "WHERE id = 1", [], "leave out");
      return row === undefined
        ? { stamp: 0, isDone: false }
        : { stamp: numberOf(row.stamp), isDone: numberOf(row.is_done) === 1 };
    },
    async setLinkProgress({ stamp, isDone }) {
      await database.run(
        `INSERT INTO ovation_notice_links (id, stamp, is_done) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp, is_done = excluded.is_done`,
        [1, stamp, isDone ? 1 : 0],
        "replaces",
      );
    },
  };
}
