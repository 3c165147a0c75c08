/**
 * Addresses of guests, for as long as a sanction may have to find them. Never as they are: what is kept
 * is their HMAC with the installation's secret, which says that two are the same and nothing else.
 */

import { createHmac } from "node:crypto";

/** Answers what stands for an address; undefined where it is not known. */
export type HashAddress = (address: string) => string | undefined;

const HASH_CHARACTERS = 22;

/** Without a secret no address is remembered. */
export function createHashAddress(secret: string | undefined): HashAddress {
  if (secret === undefined) return () => undefined;
  return (address) =>
    address === ""
      ? undefined
      : createHmac("sha256", secret)
          .update(`address of a guest ${address}`)
          .digest("base64url")
          .slice(0, HASH_CHARACTERS);
}
