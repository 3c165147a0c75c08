/**
 * The claims of a token, and the identity that they make. A login beside Ovation writes them; the
 * names are the registered ones (RFC 7519, OpenID Connect) where there is one.
 */

import {
  type Identity,
  isTopicId,
  isTopicKind,
  parseTopic,
  ROLES,
  type Role,
} from "@ovation/protocol";
import { z } from "zod";

/** Patterns and roles in one token. */
export const PATTERNS_MAX = 200;
export const NAME_CODE_POINTS_SHOWN = 64;
const NAME_CHARACTERS_MAX = 512;
const AVATAR_CHARACTERS_MAX = 2_048;

function isPattern(text: string): boolean {
  if (text === "*") return true;
  return text.endsWith(":*") ? isTopicKind(text.slice(0, -2)) : parseTopic(text) !== undefined;
}

function isPicture(text: string): boolean {
  return /^https:\/\/[\x21-\x7e]+$/i.test(text) && URL.canParse(text);
}

const patterns = z
  .array(z.string().refine(isPattern, { error: "a topic, kind:* or *" }))
  .max(PATTERNS_MAX)
  .default([]);
const role = z.enum(ROLES);

const claims = z.object({
  sub: z.string().refine(isTopicId, { error: "1 to 128 of A-Z a-z 0-9 . _ ~ @ | + = -" }),
  name: z.string().max(NAME_CHARACTERS_MAX).nullish(),
  avatar: z
    .union([
      z.literal(""),
      z.string().max(AVATAR_CHARACTERS_MAX).refine(isPicture, { error: "an https address" }),
    ])
    .nullish(),
  role: role.default("member"),
  roles: z.record(z.string().refine(isTopicId, { error: "a video id" }), role).default({}),
  subscribe: patterns,
  publish: patterns,
  exp: z.number().optional(),
});

export type ClaimsResult =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly detail: string };

/** The identity that verified claims make, or which claim is wrong; the claim's value is never repeated. */
export function identityFrom(payload: unknown): ClaimsResult {
  const result = claims.safeParse(payload);
  if (!result.success) {
    const issue = result.error.issues[0];
    return {
      ok: false,
      detail: `The claim ${issue?.path[0] === undefined ? "set" : String(issue.path[0])} is not of the expected form`,
    };
  }
  const { sub, exp, avatar, roles } = result.data;
  if (Object.keys(roles).length > PATTERNS_MAX)
    return { ok: false, detail: "The claim roles has too many entries" };
  return {
    ok: true,
    identity: {
      sub,
      name: shownName(result.data.name ?? "") || sub,
      ...(avatar === undefined || avatar === null || avatar === "" ? {} : { avatar }),
      role: result.data.role,
      videoRoles: roles,
      subscribe: result.data.subscribe,
      publish: result.data.publish,
      ...(exp === undefined ? {} : { expiresAt: exp * 1_000 }),
    },
  };
}

/** A name as it is shown: whatever the login knows, without what cannot be shown, at most 64 code points. */
function shownName(name: string): string {
  const visible = name
    .toWellFormed()
    .normalize("NFC")
    .replace(/[\p{Cc}\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff]+/gu, " ")
    .replace(/\p{Z}+/gu, " ")
    .trim();
  return [...visible].slice(0, NAME_CODE_POINTS_SHOWN).join("");
}

/** What is signed into a token. */
export interface TokenClaims {
  readonly sub: string;
  readonly name?: string;
  readonly avatar?: string;
  readonly role?: Role;
  /** Roles in single videos, by video id. */
  readonly roles?: Readonly<Record<string, Role>>;
  readonly subscribe?: readonly string[];
  readonly publish?: readonly string[];
}
