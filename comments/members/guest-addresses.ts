/**
 * Addresses of guests, for sanctions. Only their HMAC with the secret of the installation is
 * stored: it shows that two are equal and nothing else.
 */

import { createHmac } from "node:crypto";

/** Undefined for an unknown address. */
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
