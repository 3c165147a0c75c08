/**
 * Makes tokens: for `ovation token`, guests and the demo. A site's login makes its own, with any
 * library.
 */

import { SignJWT } from "jose";
import { claimsFault, type TokenClaims } from "./claims.ts";

export interface SignOptions {
  readonly issuer?: string;
  readonly audience?: string;
  /** ms since 1970; default: now. */
  readonly now?: number;
}

/**
 * A token signed with HS256, valid for `ttlSeconds`. Throws a TypeError where the claims are not
 * those of a token that this program would accept.
 */
export async function signToken(
  secret: string,
  claims: TokenClaims,
  ttlSeconds: number,
  options: SignOptions = {},
): Promise<string> {
  const fault = claimsFault(claims);
  if (fault !== undefined) throw new TypeError(fault);
  const issuedAt = Math.floor((options.now ?? Date.now()) / 1_000);
  const token = new SignJWT({ ...claims })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds);
  if (options.issuer !== undefined) token.setIssuer(options.issuer);
  if (options.audience !== undefined) token.setAudience(options.audience);
  return await token.sign(new TextEncoder().encode(secret));
}
