/** Tokens that were verified lately, bounded by age, by number and by characters (`Recent`). */

import { type Clock, type Identity, Recent } from "@ovation/protocol";

export const TOKENS_KEPT_MAX = 50_000;
export const TOKEN_CHARACTERS_KEPT_MAX = 32 * 1024 * 1024;
/** Verified again after this time: a key that was withdrawn stops counting. */
export const TOKEN_AGE_MAX_MS = 5 * 60_000;

export interface TokenCache {
  get(token: string): Identity | undefined;
  set(token: string, identity: Identity): void;
}

export function createTokenCache(clock: Clock): TokenCache {
  const tokens = new Recent<Identity>(clock, {
    ageMs: TOKEN_AGE_MAX_MS,
    entriesMax: TOKENS_KEPT_MAX,
    weightMax: TOKEN_CHARACTERS_KEPT_MAX,
  });
  return {
    get: (token) => tokens.get(token),
    set: (token, identity) => tokens.set(token, identity, token.length),
  };
}
