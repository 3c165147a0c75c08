/**
 * Tokens: identities and rights. `verifier.ts` reads them, `signer.ts` makes those of this
 * installation,
 * `claims.ts` says what is in them. JWTs by the `jose` library; nothing of the cryptography is
 * ours.
 */

export * from "./claims.ts";
export * from "./guests.ts";
export * from "./key-ring.ts";
export * from "./secret.ts";
export * from "./signer.ts";
export * from "./subject.ts";
export * from "./verifier.ts";
