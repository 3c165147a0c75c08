/** Tokens that were verified lately. Bounded in number and in characters; the least recently used go first. */

import type { Clock, Identity } from "@ovation/protocol";

export const TOKENS_KEPT_MAX = 50_000;
export const TOKEN_CHARACTERS_KEPT_MAX = 32 * 1024 * 1024;
/** Verified anew after this time: a key that was withdrawn stops counting. */
export const TOKEN_AGE_MAX_MS = 5 * 60_000;

export interface TokenCache {
  get(token: string): Identity | undefined;
  set(token: string, identity: Identity): void;
}

interface Kept {
  readonly identity: Identity;
  readonly until: number;
}

export function createTokenCache(clock: Clock): TokenCache {
  // Two generations instead of a list: what was not used since the last change of generation is
  // dropped whole. A hit costs one look-up and no bookkeeping.
  let young = new Map<string, Kept>();
  let old = new Map<string, Kept>();
  let characters = 0;

  function put(token: string, kept: Kept): void {
    if (
      young.size >= TOKENS_KEPT_MAX / 2 ||
      characters + token.length > TOKEN_CHARACTERS_KEPT_MAX / 2
    ) {
      old = young;
      young = new Map();
      characters = 0;
    }
    if (!young.has(token)) characters += token.length;
    young.set(token, kept);
  }

  return {
    get(token) {
      let kept = young.get(token);
      if (kept === undefined) {
        kept = old.get(token);
        if (kept === undefined) return undefined;
        put(token, kept);
      }
      if (clock.now() < kept.until) return kept.identity;
      return undefined;
    },
    set(token, identity) {
      put(token, { identity, until: clock.now() + TOKEN_AGE_MAX_MS });
    },
  };
}
