/** Profiles, guests who became members, and blocks, in SQL. */

import { numberOf, placeholders, type SqlDatabase, textOf } from "@ovation/database";
import { ROLES } from "@ovation/protocol";
import type { BlockStore, InboxStore, MemberStore, Profile } from "./member-stores.ts";

export function createSqlMemberStore(database: SqlDatabase): MemberStore {
  return {
    ...createGuestOwners(database),

    async remember(profiles, now) {
      if (profiles.length === 0) return;
      const ordered = [...profiles].sort((a, b) => (a.id < b.id ? -1 : 1));
      await database.run(
        `INSERT INTO ovation_members (id, name, avatar, role, seen_at)
           VALUES ${placeholders(ordered.length, 5)}
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, avatar = excluded.avatar,
           role = excluded.role,
           seen_at = excluded.seen_at`,
        ordered.flatMap(({ id, name, avatar, role }) => [id, name, avatar ?? "", role, now]),
        "replaces",
      );
    },

    async forgetGuests(before, now, limit) {
      // Profiles that were stored before this column existed begin their life now.
      await database.run(
        "UPDATE ovation_members SET seen_at = $1 WHERE role = 'guest' AND seen_at IS NULL",
        [now],
      );
      const gone = await database.run(
        `DELETE FROM ovation_members WHERE id IN
           (SELECT id FROM ovation_members WHERE role = 'guest' AND seen_at < $1 LIMIT $2)
         RETURNING id`,
        [before, limit],
      );
      return gone.length;
    },

    async profiles(ids, damaged) {
      const found = new Map<string, Profile>();
      if (ids.length === 0) return found;
      const rows = await database.select(
        "ovation_members",
        `WHERE id IN ${placeholders(1, ids.length)}`,
        ids,
        damaged,
      );
      for (const row of rows) {
        const profile = toProfile(row);
        found.set(profile.id, profile);
      }
      return found;
    },

    async staff(limit) {
      const rows = await database.select(
        "ovation_members",
        "WHERE role IN ('host', 'moderator') ORDER BY id LIMIT $1",
        [limit],
        "leave out",
      );
      return rows.map(toProfile);
    },
  };
}

/** Which member each guest became. */
function createGuestOwners(
  database: SqlDatabase,
): Pick<MemberStore, "forgetLinks" | "claimGuest" | "ownersOf"> {
  return {
    async forgetLinks(before, now, limit) {
      // Links that were stored before this column existed begin their life now.
      await database.run("UPDATE ovation_guests SET at = $1 WHERE at IS NULL", [now]);
      const gone = await database.run(
        `DELETE FROM ovation_guests WHERE guest IN
           (SELECT guest FROM ovation_guests WHERE at < $1 LIMIT $2)
         RETURNING guest`,
        [before, limit],
      );
      return gone.length;
    },

    async claimGuest(guest, member, now) {
      await database.run(
        `INSERT INTO ovation_guests (guest, member, at) VALUES ($1, $2, $3)
         ON CONFLICT (guest) DO NOTHING`,
        [guest, member, now],
      );
      const [row] = await database.select("ovation_guests", "WHERE guest = $1", [guest]);
      return textOf(row?.member);
    },

    async ownersOf(guests) {
      if (guests.length === 0) return new Map();
      const rows = await database.select(
        "ovation_guests",
        `WHERE guest IN ${placeholders(1, guests.length)}`,
        guests,
      );
      return new Map(rows.map((row) => [textOf(row.guest), textOf(row.member)]));
    },
  };
}

export function createSqlBlockStore(database: SqlDatabase): BlockStore {
  return {
    async set(member, other, blocked) {
      await database.run(
        blocked
          ? `INSERT INTO ovation_blocks (member, other) VALUES ($1, $2)
             ON CONFLICT (member, other) DO NOTHING`
          : "DELETE FROM ovation_blocks WHERE member = $1 AND other = $2",
        [member, other],
      );
    },
    async list(member, limit, after = "") {
      const rows = await database.select(
        "ovation_blocks",
        "WHERE member = $1 AND other > $3 ORDER BY other LIMIT $2",
        [member, limit, after],
      );
      return rows.map((row) => textOf(row.other));
    },
    async between(a, b) {
      const rows = await database.select(
        "ovation_blocks",
        "WHERE (member = $1 AND other = $2) OR (member = $2 AND other = $1)",
        [a, b],
      );
      return rows.map((row) => textOf(row.member));
    },
  };
}

export function createSqlInboxStore(database: SqlDatabase): InboxStore {
  return {
    async isOpen(member) {
      const [row] = await database.select("ovation_inboxes", "WHERE member = $1", [member]);
      return row === undefined || numberOf(row.is_open) !== 0;
    },
    async setOpen(member, open) {
      await database.run(
        `INSERT INTO ovation_inboxes (member, is_open) VALUES ($1, $2)
         ON CONFLICT (member) DO UPDATE SET is_open = excluded.is_open`,
        [member, open ? 1 : 0],
        "replaces",
      );
    },
  };
}

function toProfile(row: Readonly<Record<string, unknown>>): Profile {
  const avatar = textOf(row["avatar"]);
  const role = ROLES.find((each) => each === row["role"]) ?? "guest";
  return {
    id: textOf(row["id"]),
    name: textOf(row["name"]),
    ...(avatar === "" ? {} : { avatar }),
    role,
  };
}
