/** The secrets of a command: given, found in the data directory or made there, and long enough. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeDataDirectory } from "../data-directory.ts";
import { fail } from "../operator-error.ts";
import { loadSecret, type SecretFault, secretFault } from "../tokens/mod.ts";
import { explainedDirectory } from "./run.ts";

const MAKE = "openssl rand -base64 32 makes one";
const FAULTS: Readonly<Record<SecretFault, string>> = {
  empty: `is empty: ${MAKE}`,
  short: `is shorter than 16 bytes, so it can be guessed from any token: ${MAKE}`,
};

/** The given secret, or that of the data directory, which is made where there is none. */
export function findSecret(given: string | undefined, dataDirectory: string): string {
  if (isGiven(given)) return requireStrong(given, "the secret (OVATION_SECRET, --secret)");
  const directory = explainedDirectory(() => makeDataDirectory(dataDirectory));
  let loaded: ReturnType<typeof loadSecret>;
  try {
    loaded = loadSecret(directory);
  } catch (error) {
    return fail(
      `the data directory ${dataDirectory} has no secret that can be used: ${messageOf(error)}. ` +
        "Fix that, name another directory with --data, or set OVATION_SECRET",
    );
  }
  return requireStrong(loaded.secret, `the secret in ${loaded.path}`);
}

/**
 * {@link findSecret} of a running process: a secret that is gone is not made, which would end every
 * token.
 */
export function findSecretAgain(given: string | undefined, dataDirectory: string): string {
  const path = join(dataDirectory, "secret");
  if (!isGiven(given) && !existsSync(path)) fail(`${path} is gone: put the secret back`);
  return findSecret(given, dataDirectory);
}

/** Clusters do not keep a secret of their own making: every process needs the same. */
export function requireSecret(given: string | undefined): string {
  if (isGiven(given)) return requireStrong(given, "the secret (OVATION_SECRET, --secret)");
  return fail(
    "the processes of a cluster verify tokens with the same secret: set OVATION_SECRET on all " +
      `of them, at least 16 bytes; ${MAKE}`,
  );
}

/** The secrets of internal calls; `secret` is the one of tokens, which viewers' tools may know. */
export function requireInternalSecrets(
  given: readonly string[],
  secret: string,
): readonly string[] {
  const secrets = given.flatMap((text) => text.split(/[\s,]+/)).filter((text) => text !== "");
  if (secrets.length === 0)
    fail(
      "the processes of a cluster share a secret for their calls: set OVATION_INTERNAL_SECRET on " +
        `all of them, at least 16 bytes; ${MAKE}`,
    );
  for (const each of secrets) {
    requireStrong(each, "the internal secret (OVATION_INTERNAL_SECRET, --internal-secret)");
    if (each === secret)
      fail(
        "OVATION_INTERNAL_SECRET and OVATION_SECRET are the same: a server that signs tokens " +
          `could then give orders to every process. ${MAKE}`,
      );
  }
  return secrets;
}

/** An empty variable is one that is not set: `OVATION_SECRET=` in an environment file. */
function isGiven(secret: string | undefined): secret is string {
  return secret !== undefined && secret.trim() !== "";
}

function requireStrong(secret: string, which: string): string {
  const fault = secretFault(secret);
  return fault === undefined ? secret : fail(`${which} ${FAULTS[fault]}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
