/**
 * The claims of a token, and the identity that they make. A login beside Ovation writes them; the
 * names are the registered ones (RFC 7519, OpenID Connect) where there is one.
 *
 * Identity providers write claims of the same names with other meanings (`role: "authenticated"`,
 * `roles: ["admin"]`). Of verified claims only `sub` has to be of our form; any other that is not
 * counts as absent, which never gives a right, and is reported by its name.
 */

import { shownName } from "@ovation/comments";
import {
  type Identity,
  isTopicId,
  isTopicKind,
  parseTopic,
  ROLES,
  type Role,
} from "@ovation/protocol";
import { isGuestId, type Signer, subjectFrom } from "./subject.ts";

/** Patterns and roles in one token. */
export const PATTERNS_MAX = 200;
export const NAME_CODE_POINTS_SHOWN = 64;
export const NAME_CHARACTERS_MAX = 512;
export const AVATAR_CHARACTERS_MAX = 2_048;
/** Roles that are looked at in a claim of another issuer. */
export const ROLE_VALUES_MAX = 1_000;
/** The last moment that a `Date` knows. */
export const EXPIRES_AT_MAX = 8_640_000_000_000_000;

/** Where an issuer's claims differ from ours. */
export interface ClaimMapping {
  /**
   * The claim with the role: a name, or a path as `app_metadata.role`. A text, or a list of them.
   */
  readonly roleClaim?: string;
  /** The issuer's roles, and which of ours each one is. Absent: they are called as ours. */
  readonly roleMap?: Readonly<Record<string, Role>>;
  readonly nameClaim?: string;
  readonly avatarClaim?: string;
  /** False: the issuer's tokens give an identity, and no role and no topics. */
  readonly givesRoles?: boolean;
}

export interface ClaimsOptions {
  readonly signer: Signer;
  readonly mapping?: ClaimMapping;
  /** A claim that has another form than ours, and counts as absent. */
  onIgnored?(claim: string): void;
}

export type ClaimsResult =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly detail: string };

type Claims = Readonly<Record<string, unknown>>;

/** The identity that verified claims make, or why they make none; no value is repeated. */
export function identityFrom(claims: Claims, options: ClaimsOptions): ClaimsResult {
  const { signer, mapping = {} } = options;
  const subject = subjectFrom(claims.sub, signer);
  if (!subject.ok) return subject;
  const { sub } = subject;
  const givesRoles = signer === "here" || mapping.givesRoles !== false;
  const role = (givesRoles ? roleOf(claims, options) : undefined) ?? "member";
  if (isGuestId(sub) && (signer !== "here" || role !== "guest"))
    return { ok: false, detail: "The claim sub begins with guest-, as only ids of guests do" };
  const avatar = avatarOf(claims, options);
  const name = pathValue(claims, mapping.nameClaim ?? "name") ?? claims.name;
  return {
    ok: true,
    identity: {
      sub,
      name: textOf(name, "name", NAME_CHARACTERS_MAX, options) || sub,
      ...(avatar === undefined ? {} : { avatar }),
      role,
      videoRoles: givesRoles ? videoRolesOf(claims.roles, options) : {},
      subscribe: givesRoles ? patternsOf(claims.subscribe, "subscribe", options) : [],
      publish: givesRoles ? patternsOf(claims.publish, "publish", options) : [],
      ...expiryOf(claims.exp),
    },
  };
}

function textOf(
  value: unknown,
  claim: string,
  charactersMax: number,
  { onIgnored }: ClaimsOptions,
): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string")
    return shownName(value.slice(0, charactersMax), NAME_CODE_POINTS_SHOWN);
  onIgnored?.(claim);
  return "";
}

/** `avatar`, or `picture`, as OpenID Connect calls it. */
function avatarOf(claims: Claims, { mapping = {}, onIgnored }: ClaimsOptions): string | undefined {
  const value =
    pathValue(claims, mapping.avatarClaim ?? "avatar") ?? claims.avatar ?? claims.picture;
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string" && isPicture(value)) return value;
  onIgnored?.("avatar");
  return undefined;
}

function isPicture(text: string): boolean {
  return (
    text.length <= AVATAR_CHARACTERS_MAX &&
    /^https:\/\/[\x21-\x7e]+$/i.test(text) &&
    URL.canParse(text)
  );
}

/**
 * The highest of the roles that the claim names. Tokens that are signed here may say it by `role`
 * as well: those of guests do.
 */
function roleOf(claims: Claims, options: ClaimsOptions): Role | undefined {
  const { mapping = {}, signer, onIgnored } = options;
  const { roleClaim, roleMap } = mapping;
  if (roleClaim !== undefined) {
    const mapped = mappedRole(pathValue(claims, roleClaim), roleMap);
    if (mapped !== undefined || signer === "outside") return mapped;
  }
  const { role } = claims;
  if (role === undefined || role === null) return undefined;
  // A map is for the issuer's words; a role that is signed here is one of ours.
  const found = signer === "here" || roleMap === undefined ? toRole(role) : undefined;
  const known = found ?? (roleClaim === undefined ? mappedRole(role, roleMap ?? {}) : undefined);
  if (known === undefined) onIgnored?.("role");
  return known;
}

function mappedRole(
  value: unknown,
  roleMap: Readonly<Record<string, Role>> | undefined,
): Role | undefined {
  const values = (Array.isArray(value) ? value : [value]).slice(0, ROLE_VALUES_MAX);
  const roles = values.map((each) => {
    if (typeof each !== "string") return undefined;
    if (roleMap === undefined) return toRole(each);
    return Object.hasOwn(roleMap, each) ? roleMap[each] : undefined;
  });
  return ROLES.find((role) => roles.includes(role));
}

function toRole(value: unknown): Role | undefined {
  return ROLES.find((role) => role === value);
}

/** Roles in single videos. An entry that is none counts as absent, as does a list. */
function videoRolesOf(value: unknown, { onIgnored }: ClaimsOptions): Record<string, Role> {
  if (value === undefined || value === null) return {};
  const entries = isRecord(value) ? Object.entries(value) : [];
  const known = entries.flatMap(([video, each]) => {
    const role = toRole(each);
    return role !== undefined && isTopicId(video) ? [[video, role] as const] : [];
  });
  const isWhole = isRecord(value) && known.length === entries.length;
  if (!isWhole || known.length > PATTERNS_MAX) onIgnored?.("roles");
  return known.length > PATTERNS_MAX ? {} : Object.fromEntries(known);
}

function patternsOf(
  value: unknown,
  claim: string,
  { onIgnored }: ClaimsOptions,
): readonly string[] {
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] =
    Array.isArray(value) && value.length <= PATTERNS_MAX ? value : [];
  const patterns = list.filter((each) => typeof each === "string" && isPattern(each));
  if (!Array.isArray(value) || patterns.length < value.length) onIgnored?.(claim);
  return patterns as readonly string[];
}

function isPattern(text: string): boolean {
  if (text === "*") return true;
  return text.endsWith(":*") ? isTopicKind(text.slice(0, -2)) : parseTopic(text) !== undefined;
}

/** [spec] RFC 7519, 2: a NumericDate may have a fraction. */
function expiryOf(exp: unknown): { readonly expiresAt?: number } {
  if (typeof exp !== "number") return {};
  return { expiresAt: Math.max(0, Math.min(Math.floor(exp * 1_000), EXPIRES_AT_MAX)) };
}

/**
 * The claim of that name, also one with dots in it (`https://example.org/role`); else along the
 * path.
 */
function pathValue(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const part of path.split(".")) {
    if (!isRecord(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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

/**
 * What is wrong with claims that are about to be signed here: nothing of them may be ignored later.
 */
export function claimsFault(claims: TokenClaims): string | undefined {
  let ignored: string | undefined;
  const result = identityFrom(claims as unknown as Claims, {
    signer: "here",
    onIgnored: (claim) => {
      ignored ??= claim;
    },
  });
  if (!result.ok) return result.detail;
  return ignored === undefined ? undefined : `The claim ${ignored} is not of the expected form`;
}
