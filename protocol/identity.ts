/** The identity of a request: what a verified token says, in one form for every key and issuer. */

import type { HttpRequest } from "./requests/route.ts";
import { idOf, kindOf, patternCovers, type Topic } from "./topic.ts";

/** The roles in one video: each may do everything that the later ones may. */
export const ROLES = ["host", "moderator", "member", "guest"] as const;
export type Role = (typeof ROLES)[number];

export interface Identity {
  /** The member's id: what comes after `member:` in their personal topic. */
  readonly sub: string;
  readonly name: string;
  /** The URL of a picture, `https:` only. */
  readonly avatar?: string;
  /** The role on the whole site. */
  readonly role: Role;
  /** Roles in single videos, by video id. They replace `role` there. */
  readonly videoRoles: Readonly<Record<string, Role>>;
  /**
   * Topic patterns (`video:*`, `member:alice`) beyond what the policy of a kind grants to anyone.
   */
  readonly subscribe: readonly string[];
  /** Topic patterns that this token may publish to: for servers, not for viewers. */
  readonly publish: readonly string[];
  /** ms since 1970; connections end gracefully then. */
  readonly expiresAt?: number;
}

/** A host or moderator of the site, in the form in which frontends report connected staff. */
export type StaffMember = Pick<Identity, "sub" | "name" | "avatar" | "role">;

/**
 * Reads the token of a request (`Authorization: Bearer`, or `access_token` in the URL). `undefined`
 * where there is none; throws a Problem (401) where it is not valid.
 */
export type Authenticate = (request: HttpRequest) => Promise<Identity | undefined>;

export function roleIn(identity: Identity, videoId: string): Role {
  return Object.hasOwn(identity.videoRoles, videoId)
    ? (identity.videoRoles[videoId] ?? identity.role)
    : identity.role;
}

export function mayModerate(identity: Identity | undefined, videoId: string): boolean {
  if (identity === undefined) return false;
  const role = roleIn(identity, videoId);
  return role === "host" || role === "moderator";
}

export function mayPublish(identity: Identity | undefined, topic: Topic): boolean {
  return identity?.publish.some((pattern) => patternCovers(pattern, topic)) ?? false;
}

/** Whether the topic is the identity's own personal topic. */
export function isOwnTopic(identity: Identity, topic: Topic): boolean {
  return kindOf(topic) === "member" && idOf(topic) === identity.sub;
}
