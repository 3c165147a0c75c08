/** Chooses the form of an archive by its location. */

import type { LogLocation } from "../open-log.ts";
import { readPostgresArchive, writePostgresArchive } from "../postgres/archive-postgres.ts";
import { readSqliteArchive, writeSqliteArchive } from "../sqlite/archive-sqlite.ts";
import type { ArchiveReader, ArchiveWriter } from "./archive.ts";

/** Throws LogUnusableError where there is no log, or one of a newer version. */
export function readArchive<Result>(
  location: LogLocation,
  run: (reader: ArchiveReader) => Promise<Result>,
): Promise<Result> {
  return "url" in location
    ? readPostgresArchive(location.url, run)
    : readSqliteArchive(location.path, run);
}

/**
 * Commits what `run` wrote when it resolves, and nothing when it rejects. Creates a missing log.
 */
export function writeArchive<Result>(
  location: LogLocation,
  run: (writer: ArchiveWriter) => Promise<Result>,
): Promise<Result> {
  return "url" in location
    ? writePostgresArchive(location.url, run)
    : writeSqliteArchive(location.path, run);
}
