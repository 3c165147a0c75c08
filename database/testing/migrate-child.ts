/** A process that opens a database with a slow migration: `migrate-child.ts FORM PLACE`. */

import { openPostgresDatabase } from "../postgres/sql-database-postgres.ts";
import { openSqliteDatabase } from "../sqlite/sql-database-sqlite.ts";
import { SLOW_SCHEMA } from "./slow-schema.ts";

const [form, place = ""] = process.argv.slice(2);
const database =
  form === "sqlite"
    ? openSqliteDatabase(place, SLOW_SCHEMA)
    : await openPostgresDatabase(place, SLOW_SCHEMA);
await database.close();
