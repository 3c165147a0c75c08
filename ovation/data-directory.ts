/**
 * The directory `--data`: made where it is missing, and one server's at a time. Two servers on one
 * directory would each serve half of the viewers: comments reach all, likes and live events do not.
 *
 * The lock is SQLite's own, on a file of its own (`server.lock`): it works wherever the data can be
 * stored at all, and the system releases it when the process ends, however it ends.
 */

import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { acquireSqliteLock, DIRECTORY_MODE, FILE_MODE, type SqliteLock } from "@ovation/database";

/** A server that is being restarted may take this long to release its directory. */
export const CLAIM_MS_MAX = 3_000;

/** An operator's mistake, as a sentence. */
export class DataDirectoryError extends Error {
  override readonly name = "DataDirectoryError";
}

export interface DataDirectory {
  readonly path: string;
  /** Another server may take it. */
  release(): void;
}

/** Names of what a server keeps in its directory; others in it are not ours to change. */
const OWN_NAME = /^(secret|server\.(lock|pid)|(log|members|videos)\.sqlite)([.-].*)?$/;
const OTHERS = 0o077;
const STICKY = 0o1000;

/** Whatever this process and its workers make from now on is for its user alone. */
export function keepPrivate(): void {
  process.umask(OTHERS);
}

/**
 * Takes away what other users may do with the files of a directory that was made before, or by a
 * copy. Returns the paths that were changed. The directory itself is changed where nothing else is
 * in it.
 */
export function tightenDirectory(path: string): readonly string[] {
  const names = readdirSync(path);
  const own = names.filter((name) => OWN_NAME.test(name));
  const files = own.map((name) => [join(path, name), FILE_MODE] as const);
  const isOurs = own.length === names.length && (statSync(path).mode & STICKY) === 0;
  return [...(isOurs ? [[path, DIRECTORY_MODE] as const] : []), ...files].flatMap(([each, mode]) =>
    tighten(each, mode) ? [each] : [],
  );
}

/**
 * A file that is gone meanwhile, or another user's, stays as it is: using it says what is wrong.
 */
function tighten(path: string, mode: number): boolean {
  try {
    const status = lstatSync(path);
    if ((status.mode & OTHERS) === 0 || status.isSymbolicLink()) return false;
    chmodSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Makes the directory. Throws {@link DataDirectoryError} where it cannot be one. */
export function makeDataDirectory(path: string): string {
  const whole = resolve(path);
  try {
    mkdirSync(whole, { recursive: true, mode: DIRECTORY_MODE });
  } catch (error) {
    throw new DataDirectoryError(
      `the data directory ${whole} cannot be made (${reasonOf(error)}). ` +
        "Name another one with --data, or make it and give it to this user",
    );
  }
  return whole;
}

/**
 * Claims the directory for this process. Throws {@link DataDirectoryError} where another has it.
 */
export function claimDataDirectory(path: string, waitMsMax = CLAIM_MS_MAX): DataDirectory {
  const whole = makeDataDirectory(path);
  const holder = join(whole, "server.pid");
  let lock: SqliteLock | undefined;
  try {
    lock = acquireSqliteLock(join(whole, "server.lock"), waitMsMax);
    if (lock !== undefined) writeFileSync(holder, `${process.pid}\n`, { mode: FILE_MODE });
  } catch (error) {
    lock?.release();
    throw new DataDirectoryError(
      `the data directory ${whole} cannot be written to (${reasonOf(error)}). ` +
        "Give it to this user, or name another one with --data",
    );
  }
  if (lock === undefined)
    throw new DataDirectoryError(
      `another Ovation server${pidIn(holder)} uses the data directory ${whole}. ` +
        "Stop that one, or give this one a directory of its own with --data",
    );
  return {
    path: whole,
    release() {
      rmSync(holder, { force: true });
      lock.release();
    },
  };
}

function pidIn(file: string): string {
  try {
    return ` (process ${Number.parseInt(readFileSync(file, "utf8"), 10)})`;
  } catch {
    return "";
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^[A-Z]+: /, "") : String(error);
}
