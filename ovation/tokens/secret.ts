/** The secret of an installation that was given none: made once, kept beside the data. */

import { randomBytes } from "node:crypto";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** Below this a secret can be guessed from one token, without asking the server. */
export const SECRET_BYTES_MIN = 16;
/** One of our own making has as many bytes as the hash of HS256. */
const SECRET_BYTES_MADE = 32;

export type SecretFault = "empty" | "short";

/** What is wrong with a secret, or nothing. */
export function secretFault(secret: string): SecretFault | undefined {
  if (secret.trim() === "") return "empty";
  return Buffer.byteLength(secret) < SECRET_BYTES_MIN ? "short" : undefined;
}

export interface LoadedSecret {
  readonly secret: string;
  readonly path: string;
  /** Whether it was made just now. */
  readonly created: boolean;
}

/** Reads `secret` in the directory, or makes it. Only the owner can read the file. */
export function loadSecret(dataDirectory: string): LoadedSecret {
  mkdirSync(dataDirectory, { recursive: true });
  const path = join(dataDirectory, "secret");
  const existing = readSecret(path);
  if (existing !== undefined) return { secret: existing, path, created: false };

  // Written whole under another name and then linked: two processes that start together agree on
  // one.
  const draft = join(dataDirectory, `secret.${process.pid}.${randomBytes(4).toString("hex")}`);
  writeFileSync(draft, `${randomBytes(SECRET_BYTES_MADE).toString("base64url")}\n`, {
    mode: 0o600,
    flag: "wx",
    flush: true,
  });
  let created = true;
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    created = false;
  } finally {
    unlinkSync(draft);
  }
  const secret = readSecret(path);
  if (secret === undefined) throw new Error(`${path} is empty`);
  return { secret, path, created };
}

function readSecret(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (text === "")
    throw new Error(`${path} is empty: remove it to have a new secret made, or put one into it`);
  // A copied or restored file may have become readable for others.
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  return text;
}
