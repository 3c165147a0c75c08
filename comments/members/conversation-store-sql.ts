/** Conversations, in SQL: a row for each of the two sides. */

import {
  numberOf,
  placeholders,
  type SqlDatabase,
  type SqlRow,
  type SqlRunner,
  textOf,
} from "@ovation/database";
import type { Conversation, ConversationStore, NewMessage } from "./member-stores.ts";

const TABLE = "ovation_conversations";

/** `greatest` of one database is `max` of the other; this is both. */
const LARGER = (column: string, value: string) =>
  `CASE WHEN ${value} > ${column} THEN ${value} ELSE ${column} END`;

export function createSqlConversationStore(database: SqlDatabase): ConversationStore {
  return {
    record: (message) => recordMessage(database, message),
    advance: (member, other, cursors) =>
      database.transaction((runner) => advanceCursors(runner, member, other, cursors)),

    async find(member, other) {
      const rows = await database.select(TABLE, "WHERE member = $1 AND other = $2", [
        member,
        other,
      ]);
      return (await withOtherSides(database, rows))[0];
    },

    async list(member, limit, from) {
      const rows = await database.select(
        TABLE,
        `WHERE member = $1 AND (last_at < $3 OR ($4 <> '' AND last_at = $3 AND other > $4))
         ORDER BY last_at DESC, other LIMIT $2`,
        [member, limit, from?.at ?? Number.MAX_SAFE_INTEGER, from?.id ?? ""],
        // One damaged conversation does not take the inbox away.
        "leave out",
      );
      return withOtherSides(database, rows, "leave out");
    },

    async forget(before, limit) {
      const gone = await database.run(
        `DELETE FROM ovation_conversations WHERE (member, other) IN
           (SELECT member, other FROM ovation_conversations WHERE last_at < $1 LIMIT $2)
         RETURNING member`,
        [before, limit],
      );
      return gone.length;
    },

    async unread(member) {
      const rows = await database.select(
        TABLE,
        "WHERE member = $1 AND last > seen",
        [member],
        "leave out",
      );
      return rows.reduce((sum, row) => sum + numberOf(row.last) - numberOf(row.seen), 0);
    },
  };
}

async function recordMessage(
  database: SqlDatabase,
  { from, to, number, at, text }: NewMessage,
): Promise<void> {
  const theirs = "ovation_conversations";
  const newer = `excluded.last >= ${theirs}.last`;
  const keepNewest = (column: string) =>
    `${column} = CASE WHEN ${newer} THEN excluded.${column} ELSE ${theirs}.${column} END`;
  // One order for both rows, so that two who write to each other at once never wait in a circle.
  const rows = [
    [from, to, number, at, from, text, number, number, 0],
    [to, from, number, at, from, text, 0, 0, 1],
  ].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
  await database.run(
    `INSERT INTO ovation_conversations (member, other, last, last_at, last_from, last_text, seen,
       delivered, heard)
     VALUES ${placeholders(2, 9)}
     ON CONFLICT (member, other) DO UPDATE SET ${keepNewest("last")}, ${keepNewest("last_at")},
       ${keepNewest("last_from")},
       ${keepNewest("last_text")}, seen = ${LARGER(`${theirs}.seen`, "excluded.seen")},
       delivered = ${LARGER(`${theirs}.delivered`, "excluded.delivered")},
       heard = ${LARGER(`${theirs}.heard`, "excluded.heard")}`,
    rows.flat(),
  );
}

async function advanceCursors(
  runner: SqlRunner,
  member: string,
  other: string,
  cursors: { readonly seen: number; readonly delivered: number },
): ReturnType<ConversationStore["advance"]> {
  const [row] = await runner.select(TABLE, "WHERE member = $1 AND other = $2", [member, other]);
  if (row === undefined) return undefined;
  // A cursor is a claim of its client: no member has seen a message that was not written yet.
  const last = numberOf(row.last);
  const seen = Math.max(numberOf(row.seen), Math.min(cursors.seen, last));
  const delivered = Math.max(numberOf(row.delivered), Math.min(cursors.delivered, last), seen);
  const rose = seen > numberOf(row.seen) || delivered > numberOf(row.delivered);
  if (rose) {
    await runner.run(
      `UPDATE ovation_conversations SET seen = ${LARGER("seen", "$3")},
         delivered = ${LARGER("delivered", "$4")}
       WHERE member = $1 AND other = $2`,
      [member, other, seen, delivered],
    );
  }
  return { seen, delivered, rose };
}

/** With what the other of each has seen. */
async function withOtherSides(
  database: SqlDatabase,
  rows: readonly SqlRow[],
  damaged?: "leave out",
): Promise<readonly Conversation[]> {
  if (rows.length === 0) return [];
  const theirs = await database.select(
    TABLE,
    `WHERE (member, other) IN (VALUES ${placeholders(rows.length, 2)})`,
    rows.flatMap(({ member, other }) => [textOf(other), textOf(member)]),
    damaged,
  );
  const byMember = new Map(theirs.map((row) => [textOf(row.member), row]));
  return rows.map((row) => toConversation(row, byMember.get(textOf(row.other))));
}

function toConversation(row: SqlRow, theirs: SqlRow | undefined): Conversation {
  return {
    other: textOf(row.other),
    last: numberOf(row.last),
    lastAt: numberOf(row.last_at),
    lastFrom: textOf(row.last_from),
    lastText: textOf(row.last_text),
    heard: numberOf(row.heard) !== 0,
    seen: numberOf(row.seen),
    delivered: numberOf(row.delivered),
    otherSeen: theirs === undefined ? 0 : numberOf(theirs.seen),
    otherDelivered: theirs === undefined ? 0 : numberOf(theirs.delivered),
  };
}
