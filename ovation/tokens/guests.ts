/** Guests: a name, a random id, a token that says `guest`. */

import type { Clock } from "@ovation/protocol";
import { type SignOptions, signToken } from "./signer.ts";
import { GUEST_ID_PREFIX } from "./subject.ts";

/** A guest that returns within this time keeps its id. */
export const GUEST_TTL_S = 30 * 24 * 60 * 60;
const GUEST_ID_BYTES = 12;

export interface GuestIssuerOptions {
  readonly secret: string;
  readonly clock: Clock;
  /** Random bytes: an id that cannot be guessed. */
  random(bytes: number): Uint8Array;
  readonly ttlSeconds?: number;
  readonly sign?: SignOptions;
}

export interface IssuedGuest {
  readonly token: string;
  readonly member: { readonly id: string; readonly name: string };
}

export interface GuestIssuer {
  /** `name` has been checked by the caller. */
  issue(name: string): Promise<IssuedGuest>;
}

export function createGuestIssuer(options: GuestIssuerOptions): GuestIssuer {
  return {
    async issue(name) {
      const random = Buffer.from(options.random(GUEST_ID_BYTES)).toString("base64url");
      const id = GUEST_ID_PREFIX + random;
      const token = await signToken(
        options.secret,
        { sub: id, name, role: "guest" },
        options.ttlSeconds ?? GUEST_TTL_S,
        {
          ...options.sign,
          now: options.clock.now(),
        },
      );
      return { token, member: { id, name } };
    },
  };
}
