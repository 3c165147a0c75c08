/** Members in an SQL database: an SQLite file, or PostgreSQL. */

import {
  type OnDamage,
  openPostgresDatabase,
  openSqliteDatabase,
  type SqlDatabase,
  type SqlSchema,
} from "@ovation/database";
import { createSqlConversationStore } from "./conversation-store-sql.ts";
import {
  createSqlBlockStore,
  createSqlInboxStore,
  createSqlMemberStore,
} from "./member-store-sql.ts";
import type { MemberStores } from "./member-stores.ts";
import { createSqlNoticeStore } from "./notifications/notice-store-sql.ts";
import { createSqlAddressSanctionStore } from "./sanctions/address-sanction-store-sql.ts";
import { createSqlSanctionStore } from "./sanctions/sanction-store-sql.ts";

const SCHEMA: SqlSchema = {
  part: "members",
  migrations: [
    `CREATE TABLE ovation_members (id TEXT PRIMARY KEY, name TEXT NOT NULL, avatar TEXT NOT NULL,
       role TEXT NOT NULL);
     CREATE TABLE ovation_guests (guest TEXT PRIMARY KEY, member TEXT NOT NULL);
     CREATE TABLE ovation_blocks (member TEXT NOT NULL, other TEXT NOT NULL,
       PRIMARY KEY (member, other));
     CREATE TABLE ovation_sanctions (
       member TEXT NOT NULL, video TEXT NOT NULL, kind TEXT NOT NULL, until_at BIGINT,
         reason TEXT NOT NULL,
       made_at BIGINT NOT NULL, made_by TEXT NOT NULL, PRIMARY KEY (member, video)
     );
     CREATE INDEX ovation_sanctions_by_video ON ovation_sanctions (video, made_at DESC);
     CREATE TABLE ovation_conversations (
       member TEXT NOT NULL, other TEXT NOT NULL, last BIGINT NOT NULL, last_at BIGINT NOT NULL,
         last_from TEXT NOT NULL,
       last_text TEXT NOT NULL, seen BIGINT NOT NULL, delivered BIGINT NOT NULL,
         PRIMARY KEY (member, other)
     );
     CREATE INDEX ovation_conversations_by_time ON ovation_conversations (member, last_at DESC)`,
    // Whether the other has written to the member, who may answer then; and inboxes that are
    // closed.
    `ALTER TABLE ovation_conversations ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;
     UPDATE ovation_conversations SET heard = 1 WHERE last_from = other;
     CREATE INDEX ovation_conversations_by_age ON ovation_conversations (last_at);
     CREATE TABLE ovation_inboxes (member TEXT PRIMARY KEY, is_open INTEGER NOT NULL)`,
    `ALTER TABLE ovation_members ADD COLUMN seen_at BIGINT;
     CREATE INDEX ovation_members_guests ON ovation_members (seen_at) WHERE role = 'guest';
     CREATE INDEX ovation_sanctions_by_end ON ovation_sanctions (until_at)`,
    // Hashes of addresses: where guests were of late, and where guests may not write for a while.
    `CREATE TABLE ovation_guest_addresses (guest TEXT PRIMARY KEY, address TEXT NOT NULL,
       seen_at BIGINT NOT NULL);
     CREATE INDEX ovation_guest_addresses_by_age ON ovation_guest_addresses (seen_at);
     CREATE TABLE ovation_address_sanctions (
       guest TEXT NOT NULL, video TEXT NOT NULL, address TEXT NOT NULL, until_at BIGINT NOT NULL,
         PRIMARY KEY (guest, video)
     );
     CREATE INDEX ovation_address_sanctions_by_address ON ovation_address_sanctions (address);
     CREATE INDEX ovation_address_sanctions_by_end ON ovation_address_sanctions (until_at)`,
    // Who was told of which comment, so that a removal reaches what they were told.
    `CREATE TABLE ovation_notices (
       video TEXT NOT NULL, seq BIGINT NOT NULL, member TEXT NOT NULL, at BIGINT NOT NULL,
         PRIMARY KEY (video, seq, member)
     );
     CREATE INDEX ovation_notices_by_age ON ovation_notices (at)`,
    // Names of staff, which guests may not take.
    "CREATE INDEX ovation_members_staff ON ovation_members (id) WHERE role IN ('host', " +
      "'moderator')",
    `ALTER TABLE ovation_guests ADD COLUMN at BIGINT;
     CREATE INDEX ovation_guests_by_age ON ovation_guests (at)`,
    // The pass that links the notifications of earlier versions to their comments: one row.
    `CREATE TABLE ovation_notice_links (
       id INTEGER PRIMARY KEY, stamp BIGINT NOT NULL, is_done INTEGER NOT NULL)`,
  ],
};

/** The file, or ":memory:". */
export function openSqliteMemberStores(options: {
  readonly path: string;
  readonly onDamage?: OnDamage;
}): MemberStores {
  return createSqlMemberStores(openSqliteDatabase(options.path, SCHEMA, options.onDamage));
}

export async function openPostgresMemberStores(options: {
  readonly url: string;
}): Promise<MemberStores> {
  return createSqlMemberStores(await openPostgresDatabase(options.url, SCHEMA));
}

function createSqlMemberStores(database: SqlDatabase): MemberStores {
  return {
    members: createSqlMemberStore(database),
    blocks: createSqlBlockStore(database),
    inboxes: createSqlInboxStore(database),
    sanctions: createSqlSanctionStore(database),
    addresses: createSqlAddressSanctionStore(database),
    notices: createSqlNoticeStore(database),
    conversations: createSqlConversationStore(database),
    close: () => database.close(),
  };
}
