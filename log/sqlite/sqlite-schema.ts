/**
 * The tables of the SQLite log.
 *
 * Topics and types are interned to small ids; events lie in the order of (topic, seq), so a page of
 * history is one run of the tree. `events_by_type` makes a page of one type cheap where few events
 * are of it (the pin among a million comments).
 */

import type { Database } from "bun:sqlite";
import type { SqliteSchema } from "@ovation/database";

/** In `PRAGMA application_id`, so that a foreign SQLite file is told from ours: "Ovat". */
export const APPLICATION_ID = 0x4f766174;

/** `lives.stamp` is the newest stamp of the lives before: where the one before it ended. */
const TABLES = `
  CREATE TABLE lives (
    id INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE,
    stamp INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE types (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE topics (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    first INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    first_stamp INTEGER NOT NULL,
    life INTEGER NOT NULL REFERENCES lives (id)
  ) STRICT;
  CREATE INDEX topics_by_stamp ON topics (stamp);
  CREATE TABLE events (
    topic INTEGER NOT NULL REFERENCES topics (id),
    seq INTEGER NOT NULL,
    type INTEGER NOT NULL REFERENCES types (id),
    at INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    life INTEGER NOT NULL REFERENCES lives (id),
    data TEXT NOT NULL,
    PRIMARY KEY (topic, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX events_by_type ON events (topic, type, seq);
  CREATE TABLE keys (
    topic INTEGER NOT NULL REFERENCES topics (id),
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    life INTEGER NOT NULL REFERENCES lives (id),
    PRIMARY KEY (topic, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX keys_by_stamp ON keys (stamp);
`;

/**
 * How many events of each type retention has dropped. Made where it is missing: a version that does
 * not know it reads and writes the same file.
 */
const DROPPED = `
  CREATE TABLE IF NOT EXISTS dropped (
    topic INTEGER NOT NULL REFERENCES topics (id),
    type INTEGER NOT NULL REFERENCES types (id),
    n INTEGER NOT NULL,
    PRIMARY KEY (topic, type)
  ) STRICT, WITHOUT ROWID`;

/** Events of before have none. A version that does not know it replaces data, which ends it. */
const CHECKSUMS = `
  ALTER TABLE events ADD COLUMN checksum INTEGER;
  CREATE TRIGGER events_replaced AFTER UPDATE OF data ON events
    WHEN new.checksum IS old.checksum AND new.checksum IS NOT NULL
    BEGIN
      UPDATE events SET checksum = NULL WHERE topic = new.topic AND seq = new.seq;
    END`;

/** Its number of migrations is in `PRAGMA user_version`. */
export const SCHEMA = {
  migrations: [TABLES],
  finish: (database) => database.run(`PRAGMA application_id = ${APPLICATION_ID}`),
} satisfies SqliteSchema;

/** Adds what came without another version of the schema, where it is missing. */
export function addUnversioned(database: Database): void {
  database.run(DROPPED);
  database
    .transaction(() => {
      const column = "SELECT 1 FROM pragma_table_info('events') WHERE name = 'checksum'";
      if (database.query(column).get() === null) database.exec(CHECKSUMS);
    })
    .immediate();
}
