/**
 * Verifying tokens and signing those of guests with the keys that the settings name at the moment.
 */

import { systemClock } from "@ovation/protocol";
import { type Settings, signingOf } from "../settings/settings.ts";
import {
  createGuestIssuer,
  createVerifier,
  type GuestIssuer,
  ignoredClaimLogger,
  type Verifier,
} from "../tokens/mod.ts";
import { isSame } from "./reloads.ts";

type Keys = Pick<Settings, "secret" | "tokens">;

/**
 * Rejects with a TypeError where a key cannot be read. What was verified with earlier keys is
 * forgotten.
 */
export async function createLiveVerifier(
  settings: Keys & Pick<Settings, "logger" | "reloads">,
): Promise<Verifier> {
  const onIgnoredClaim = ignoredClaimLogger(settings.logger);
  const make = ({ secret, tokens }: Keys) =>
    createVerifier({ secrets: [secret], ...tokens, onIgnoredClaim, clock: systemClock });
  let keys: Keys = settings;
  let current = await make(settings);
  settings.reloads?.add(async (next) => {
    const what = changesOf(keys, next);
    if (what.length === 0) return undefined;
    const renewed = await make(next);
    return {
      what,
      apply() {
        keys = next;
        current = renewed;
      },
    };
  });
  return {
    verify: (token) => current.verify(token),
    authenticate: (request) => current.authenticate(request),
  };
}

export function createLiveGuestIssuer(settings: Keys & Pick<Settings, "reloads">): GuestIssuer {
  const make = (keys: Keys) =>
    createGuestIssuer({
      secret: keys.secret,
      clock: systemClock,
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
      // Where tokens have to name an issuer and an audience, ours do.
      sign: signingOf(keys),
    });
  let keys: Keys = settings;
  let current = make(settings);
  settings.reloads?.add((next) => {
    const what = changesOf(keys, next);
    if (what.length === 0) return undefined;
    return {
      what,
      apply() {
        keys = next;
        current = make(next);
      },
    };
  });
  return { issue: (name) => current.issue(name) };
}

function changesOf(now: Keys, next: Keys): readonly string[] {
  return [
    ...(now.secret === next.secret ? [] : ["the secret"]),
    ...(isSame(now.tokens, next.tokens) ? [] : ["tokens"]),
  ];
}
