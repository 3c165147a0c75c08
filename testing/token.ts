/** Tokens that a server of the tests accepts, signed in this process: under Bun and under Node. */

import { SignJWT } from "jose";

/** The signing secret of every server that a test starts without naming another. */
export const TEST_SECRET = "the-secret-of-these-tests-only-0123456789";

export function token(
  claims: {
    readonly sub: string;
    readonly publish?: readonly string[];
    readonly subscribe?: readonly string[];
  },
  ttlSeconds = 3600,
): Promise<string> {
  const issuedAt = Math.floor(Date.now() / 1000);
  return new SignJWT({ ...claims, name: claims.sub })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
    .sign(new TextEncoder().encode(TEST_SECRET));
}
