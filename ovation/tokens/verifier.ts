/**
 * Verifies tokens: JWTs of this installation's secret, of given public keys, or of an issuer's
 * published ones. What was verified is remembered until it expires, so that a viewer's second
 * request costs a look-up.
 *
 * A token never appears in a message, an error or a log line.
 */

import {
  type Authenticate,
  Cache,
  type Clock,
  type HttpRequest,
  type Identity,
  Problem,
  systemClock,
  TOKEN_CHARACTERS_MAX,
} from "@ovation/protocol";
import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import type { Logger } from "pino";
import { type ClaimMapping, identityFrom } from "./claims.ts";
import { createKeyRing, type KeyRing, type KeyRingOptions } from "./key-ring.ts";
import type { Signer } from "./subject.ts";

export interface VerifierOptions extends KeyRingOptions {
  /** The token's `iss` must be this one. Absent: not looked at. */
  readonly issuer?: string;
  /** The token's `aud` must name this. Absent: not looked at. */
  readonly audience?: string;
  /** How far the clocks of issuer and server may be apart. Default 30 s. */
  readonly clockToleranceS?: number;
  /** How long a token without `exp` is good, from its `iat`. Absent: until its key is withdrawn. */
  readonly tokenAgeMaxS?: number;
  /** Where the claims of outside issuers differ from ours. */
  readonly mapping?: ClaimMapping;
  readonly clock?: Clock;
  /** A claim had another form than ours and counted as absent; once for each name. */
  onIgnoredClaim?(claim: string): void;
}

export interface Verifier {
  /**
   * The identity that the token proves. Throws `token-invalid`, `token-expired`, or `unavailable`
   * where the issuer's keys cannot be had.
   */
  verify(token: string): Promise<Identity>;
  /** {@link verify} for the token of a request; undefined where it has none. */
  readonly authenticate: Authenticate;
}

/** Of verified tokens, by characters. A key that was withdrawn stops counting after `ageMs`. */
export const TOKEN_CACHE_LIMITS = {
  ageMs: 5 * 60_000,
  entriesMax: 50_000,
  weightMax: 32 * 1024 * 1024,
} as const;

const CLOCK_TOLERANCE_DEFAULT_S = 30;
/** Three parts of base64url: anything else is no JWT, whatever its length. */
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/;

/** Rejects with a TypeError where a key cannot be read. */
export async function createVerifier(options: VerifierOptions): Promise<Verifier> {
  const clock = options.clock ?? systemClock;
  const ring = await createKeyRing(options);
  const toleranceMs = (options.clockToleranceS ?? CLOCK_TOLERANCE_DEFAULT_S) * 1_000;
  const cache = new Cache<Identity>(clock, TOKEN_CACHE_LIMITS);
  const ignored = new Set<string>();

  function onIgnored(claim: string): void {
    if (ignored.has(claim)) return;
    ignored.add(claim);
    options.onIgnoredClaim?.(claim);
  }

  async function verify(token: string): Promise<Identity> {
    if (token.length > TOKEN_CHARACTERS_MAX)
      throw new Problem("token-invalid", `A token has at most ${TOKEN_CHARACTERS_MAX} characters`);
    const known = cache.get(token);
    if (known !== undefined) {
      requireUnexpired(known);
      return known;
    }
    const identity = await verifyUnknown(token);
    cache.set(token, identity, token.length);
    return identity;
  }

  function requireUnexpired({ expiresAt }: Identity): void {
    if (expiresAt !== undefined && clock.now() >= expiresAt + toleranceMs)
      throw new Problem("token-expired");
  }

  async function verifyUnknown(token: string): Promise<Identity> {
    if (!JWT.test(token)) throw new Problem("token-invalid", "The token is not a signed JWT");
    const { payload, signer } = await verifySignature(ring, token, {
      clockTolerance: toleranceMs / 1_000,
      currentDate: new Date(clock.now()),
      ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
      ...(options.audience === undefined ? {} : { audience: options.audience }),
    });
    const { mapping } = options;
    const result = identityFrom(withExpiry(payload), {
      signer,
      onIgnored,
      ...(mapping === undefined ? {} : { mapping }),
    });
    if (!result.ok) throw new Problem("token-invalid", result.detail);
    requireUnexpired(result.identity);
    return result.identity;
  }

  /** A token that names no end has one by its age, where the operator says so. */
  function withExpiry(payload: JWTPayload): JWTPayload {
    const { exp, iat } = payload;
    const { tokenAgeMaxS } = options;
    if (exp !== undefined || tokenAgeMaxS === undefined) return payload;
    if (typeof iat !== "number" || iat * 1_000 > clock.now() + toleranceMs)
      throw new Problem("token-invalid", "A token without exp needs an iat that is not to come");
    return { ...payload, exp: iat + tokenAgeMaxS };
  }

  return {
    verify,
    async authenticate(request) {
      const token = tokenOf(request);
      return token === undefined ? undefined : verify(token);
    },
  };
}

/** The log line of {@link VerifierOptions.onIgnoredClaim}; the claim's value is not in it. */
export function ignoredClaimLogger(logger: Logger): (claim: string) => void {
  return (claim) =>
    logger.warn(
      { claim },
      "a token's claim is not of the form that docs/beside-your-login.md names, and counts as " +
        "absent; the policy file can map it (tokens.roleClaim, roleMap, nameClaim, avatarClaim)",
    );
}

/** Only the verifier's entry point, for the parts that need identities. */
export async function createAuthenticate(options: VerifierOptions): Promise<Authenticate> {
  return (await createVerifier(options)).authenticate;
}

/**
 * The token of a request: the header, else the address. An empty `access_token` is none: pages
 * leave it so for viewers who are not signed in.
 */
export function tokenOf(request: HttpRequest): string | undefined {
  const header = request.headers.get("authorization");
  if (header !== null) {
    const match = /^Bearer +([^ ]+) *$/i.exec(header);
    if (match === null) throw new Problem("token-invalid", "Authorization is Bearer and a token");
    return match[1];
  }
  if (!request.url.includes("access_token")) return undefined;
  const token = new URL(request.url).searchParams.get("access_token");
  return token === null || token === "" ? undefined : token;
}

interface Verified {
  readonly payload: JWTPayload;
  readonly signer: Signer;
}

async function verifySignature(
  ring: KeyRing,
  token: string,
  options: JWTVerifyOptions,
): Promise<Verified> {
  const algorithm = algorithmOf(token);
  const signer: Signer = algorithm === "HS256" ? "here" : "outside";
  const only = { ...options, algorithms: [algorithm] };
  let refused = new Problem("token-invalid", "No key here verifies this token");
  for (const { key } of ring.keysFor(algorithm)) {
    try {
      return { payload: (await jwtVerify(token, key, only)).payload, signer };
    } catch (error) {
      const problem = problemFrom(error);
      // The signature held with this key, so no other one will say more.
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw problem;
      refused = problem;
    }
  }
  const published = ring.publishedFor(algorithm);
  if (published === undefined) throw refused;
  try {
    return { payload: (await jwtVerify(token, published, only)).payload, signer };
  } catch (error) {
    throw problemFrom(error);
  }
}

function algorithmOf(token: string): string {
  try {
    return decodeProtectedHeader(token).alg ?? "";
  } catch {
    // What the library says of it may quote the token.
    throw new Problem("token-invalid", "The token's header cannot be read");
  }
}

/**
 * What went wrong in the words of this API. Without `cause`: the library's errors carry the claims.
 */
function problemFrom(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) return new Problem("token-expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new Problem(
      "token-invalid",
      error.claim === "nbf"
        ? "The token is not valid yet"
        : `The claim ${error.claim} is not the expected one`,
    );
  }
  if (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return new Problem("token-invalid", "The issuer publishes no key for this token");
  }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new Problem("token-invalid", "The signature does not hold");
  if (error instanceof errors.JWKSTimeout || isFetchFailure(error)) {
    return new Problem("unavailable", "The issuer's keys cannot be had for the moment", {
      retryAfterMs: 5_000,
    });
  }
  return new Problem("token-invalid", "The token is not a signed JWT");
}

/** A JWKS address that does not answer, or answers something else. */
function isFetchFailure(error: unknown): boolean {
  if (error instanceof errors.JWKSInvalid) return true;
  if (error instanceof errors.JOSEError) return error.code === "ERR_JOSE_GENERIC";
  return error instanceof Error;
}
