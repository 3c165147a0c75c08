/**
 * The keys that tokens may be signed with. Each key is good for one algorithm only, decided by what
 * the key is and never by what a token says: `none`, or an RSA public key taken for a secret, finds
 * no key.
 */

import {
  type CryptoKey,
  createRemoteJWKSet,
  customFetch,
  importSPKI,
  type JWTVerifyGetKey,
} from "jose";
import { secretFault } from "./secret.ts";

export const ASYMMETRIC_ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;
export type Algorithm = "HS256" | (typeof ASYMMETRIC_ALGORITHMS)[number];

export interface KeyRingOptions {
  /**
   * HS256 secrets; the first one signs, all verify, so that a new one can be put in front of the
   * old.
   */
  readonly secrets?: readonly string[];
  /** Secrets that sign nothing any more and still verify, while tokens of theirs are about. */
  readonly acceptedSecrets?: readonly string[];
  /** Public keys as PEM (`BEGIN PUBLIC KEY`). What a key is decides its algorithm. */
  readonly publicKeys?: readonly string[];
  /** Where the keys of an issuer are published. */
  readonly jwksUrl?: string;
  /** For tests; default: the platform's. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

export interface VerifyKey {
  readonly algorithm: Algorithm;
  readonly key: CryptoKey;
}

export interface KeyRing {
  /** The keys that may verify a token of this algorithm. */
  keysFor(algorithm: string): readonly VerifyKey[];
  /** The published keys, where the algorithm is one of theirs. */
  publishedFor(algorithm: string): JWTVerifyGetKey | undefined;
}

const JWKS_TIMEOUT_MS = 5_000;
/** Between two requests for keys, however many tokens name unknown ones. */
const JWKS_COOLDOWN_MS = 30_000;
export const JWKS_AGE_MAX_MS = 10 * 60_000;

/** Rejects with a TypeError where a key cannot be read. */
export async function createKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const keys: VerifyKey[] = [];
  for (const secret of [...(options.secrets ?? []), ...(options.acceptedSecrets ?? [])]) {
    const fault = secretFault(secret);
    if (fault !== undefined) throw new TypeError(`a secret is ${fault}`);
    keys.push({ algorithm: "HS256", key: await importSecret(secret) });
  }
  for (const pem of options.publicKeys ?? []) keys.push(await importPublicKey(pem));
  const published =
    options.jwksUrl === undefined ? undefined : remoteKeys(options.jwksUrl, options.fetch);
  if (keys.length === 0 && published === undefined)
    throw new TypeError("tokens need a secret, a public key or a JWKS address");
  return {
    keysFor: (algorithm) => keys.filter((key) => key.algorithm === algorithm),
    publishedFor: (algorithm) =>
      ASYMMETRIC_ALGORITHMS.some((each) => each === algorithm) ? published : undefined,
  };
}

/** Imported once: this would be most of what a verification costs. */
async function importSecret(secret: string): Promise<CryptoKey> {
  return await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
}

async function importPublicKey(pem: string): Promise<VerifyKey> {
  for (const algorithm of ASYMMETRIC_ALGORITHMS) {
    try {
      return { algorithm, key: await importSPKI(pem, algorithm) };
    } catch {
      // A key of another family: the next algorithm may be its own.
    }
  }
  throw new TypeError(
    `a public key is not PEM (BEGIN PUBLIC KEY) of ${ASYMMETRIC_ALGORITHMS.join(", ")}`,
  );
}

function remoteKeys(url: string, fetch: KeyRingOptions["fetch"]): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(url), {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_AGE_MAX_MS,
    ...(fetch === undefined ? {} : { [customFetch]: fetch }),
  });
}
