/** What sanctions of guests say of their addresses, in SQL. */

import { numberOf, type SqlDatabase, textOf } from "@ovation/database";
import type { AddressSanctionStore } from "../member-stores.ts";

export function createSqlAddressSanctionStore(database: SqlDatabase): AddressSanctionStore {
  return {
    async addressOf(guest, since) {
      const [row] = await database.select("ovation_guest_addresses", "WHERE guest = $1", [guest]);
      // Here and not in SQL: a damaged time must not hide the row.
      const isRecent = row !== undefined && numberOf(row.seen_at) >= since;
      return isRecent ? textOf(row.address) : undefined;
    },
    async note(guest, address, now) {
      await database.run(
        `INSERT INTO ovation_guest_addresses (guest, address, seen_at) VALUES ($1, $2, $3)
         ON CONFLICT (guest) DO UPDATE SET address = excluded.address, seen_at = excluded.seen_at`,
        [guest, address, now],
        "replaces",
      );
    },
    async put({ address, video, guest, until }) {
      await database.run(
        `INSERT INTO ovation_address_sanctions (address, video, guest, until_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (guest, video) DO UPDATE SET address = excluded.address,
           until_at = excluded.until_at`,
        [address, video, guest, until],
        "replaces",
      );
    },
    async remove(guest, video) {
      const rows = await database.run(
        `DELETE FROM ovation_address_sanctions WHERE guest = $1 AND video = $2 RETURNING address`,
        [guest, video],
      );
      return rows.map(({ address }) => textOf(address));
    },
    async of(address, now) {
      const rows = await database.select("ovation_address_sanctions", "WHERE address = $1", [
        address,
      ]);
      const sanctions = rows.map((row) => ({
        address: textOf(row.address),
        video: textOf(row.video),
        guest: textOf(row.guest),
        until: numberOf(row.until_at),
      }));
      return sanctions.filter(({ until }) => until > now);
    },
    async forget({ seen, ended }, limit) {
      const addresses = await database.run(
        `DELETE FROM ovation_guest_addresses WHERE guest IN
           (SELECT guest FROM ovation_guest_addresses WHERE seen_at < $1 LIMIT $2)
         RETURNING guest`,
        [seen, limit],
      );
      const sanctions = await database.run(
        `DELETE FROM ovation_address_sanctions WHERE (guest, video) IN
           (SELECT guest, video FROM ovation_address_sanctions WHERE until_at <= $1 LIMIT $2)
         RETURNING guest`,
        [ended, limit],
      );
      return addresses.length + sanctions.length;
    },
  };
}
