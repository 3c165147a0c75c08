/**
 * The form of the configuration file, for `policy-file.ts`. Members that are not named here are
 * refused.
 */

import { DEFAULT_LIKE_KINDS, DEFAULT_RATE_RULES, type RateRules } from "@ovation/comments";
import {
  COMMENT_CODE_POINTS_MAX,
  EVENT_TYPE_CHARACTERS_MAX,
  isEventType,
  isTopicId,
  isTopicKind,
  ROLES,
} from "@ovation/protocol";
import { z } from "zod";

/** Ids in `staff`. */
export const STAFF_LISTED_MAX = 2_000;

const audience = z.enum(["anyone", "members", "signed-in", "own", "token"]);
const commentAudience = z.enum(["everyone", "members", "staff"]);

const eventType = z.string().refine(isEventType, {
  error:
    `a type: a-z 0-9 . _ -, at most ${EVENT_TYPE_CHARACTERS_MAX} characters, ` +
    "not one of the system's own",
});

const typePolicy = z
  .strictObject({
    lane: z.enum(["live", "durable"]),
    merge: z.enum(["sum", "latest"]).optional(),
    per: z.string().min(1).max(64).optional(),
    everyMs: z.int().min(0).max(60_000).optional(),
  })
  .refine(({ lane, merge }) => lane === "live" || merge === undefined, {
    error: "a durable type cannot be merged: each of its events has a number",
    path: ["merge"],
  })
  .refine(({ merge, per }) => per === undefined || merge === "latest", {
    error: "per is for merge: latest",
    path: ["per"],
  });

const days = z.number().positive().max(36_500);
const retention = z.strictObject({
  events: z.int().min(1).optional(),
  days: days.optional(),
});

const exception = z
  .strictObject({
    ids: z.string().refine((ids) => isTopicId(ids.endsWith("*") ? `${ids.slice(0, -1)}x` : ids), {
      error: "an id, or the beginning of ids and a *: board-*",
    }),
    subscribe: audience.optional(),
    comment: commentAudience.optional(),
  })
  .refine(({ subscribe, comment }) => subscribe !== undefined || comment !== undefined, {
    error: "says nothing: subscribe or comment",
  });

const kind = z.strictObject({
  subscribe: audience.optional(),
  comment: commentAudience.optional(),
  exceptions: z.array(exception).max(1_000).optional(),
  viewers: z.boolean().optional(),
  types: z.record(eventType, typePolicy).optional(),
  defaultType: typePolicy.optional(),
  retention: retention.optional(),
});
export type KindForm = z.output<typeof kind>;

const kindName = z
  .string()
  .refine(isTopicKind, { error: "a kind: a-z 0-9 -, at most 32 characters" });

const rate = z.strictObject({
  burst: z.int().min(1).max(1_000_000),
  perSeconds: z.number().positive().max(86_400),
});
const rateNames = Object.keys(DEFAULT_RATE_RULES) as [keyof RateRules, ...(keyof RateRules)[]];

const origin = z.string().refine((text) => text === "*" || isOrigin(text), {
  error: "an origin, https://example.org, or *",
});

const strictOrigin = z.string().refine(isOrigin, { error: "an origin, https://example.org" });

function isOrigin(text: string): boolean {
  return (
    URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text
  );
}

const claimPath = z.string().min(1).max(256);
const file = z.string().min(1).max(4_096);

export const configurationForm = z.strictObject({
  kinds: z.record(kindName, kind).optional(),
  comments: z
    .strictObject({
      textLength: z
        .int()
        .min(1)
        .max(COMMENT_CODE_POINTS_MAX * 5)
        .optional(),
      likeKinds: z
        .array(
          z
            .string()
            .regex(/^[a-z][a-z0-9-]{0,31}$/, { error: `a name as ${DEFAULT_LIKE_KINDS[0]}` }),
        )
        .min(1)
        .max(32)
        .optional(),
    })
    .optional(),
  /** Who may write to whom, beyond hosts and moderators. */
  messages: z.enum(["staff", "members", "anyone"]).optional(),
  /** Ids of hosts and moderators of the site: members may write to them before they ever came. */
  staff: z
    .array(z.string().refine(isTopicId, { error: "a member's id" }))
    .max(STAFF_LISTED_MAX)
    .optional(),
  guests: z.boolean().optional(),
  videos: z.enum(["any", "listed"]).optional(),
  /** How long records beside the log are kept; see `RecordLives`. */
  records: z
    .strictObject({
      unlistedVideosDays: days.optional(),
      likedVideosDays: days.optional(),
      guestsDays: days.optional(),
      endedSanctionsDays: days.optional(),
      guestLinksDays: days.optional(),
      deletedVideosDays: days.optional(),
      presenceDays: days.optional(),
    })
    .optional(),
  limits: z.partialRecord(z.enum(rateNames), rate).optional(),
  cors: z.array(origin).min(1).max(100).optional(),
  pages: z
    .strictObject({
      /** Whose links may say who a reader is: `/watch/42#token=…`. */
      tokenOrigins: z.array(strictOrigin).max(100).optional(),
      /** Who may put `/embed/` into a frame. */
      frameAncestors: z.array(origin).min(1).max(100).optional(),
    })
    .optional(),
  hosts: z.array(z.string().min(1).max(253)).min(1).max(1_000).optional(),
  trustedProxies: z.array(z.string().min(1)).max(1_000).optional(),
  tokens: z
    .strictObject({
      issuer: z.string().min(1).max(2_048).optional(),
      audience: z.string().min(1).max(2_048).optional(),
      /**
       * Files with secrets that were replaced and still count; relative to the configuration file.
       */
      acceptedSecrets: z.array(file).max(10).optional(),
      /** PEM files, relative to the configuration file. */
      publicKeys: z.array(file).max(100).optional(),
      jwksUrl: z.url({ protocol: /^https?$/ }).optional(),
      clockToleranceSeconds: z.number().min(0).max(600).optional(),
      /** How long a token without `exp` is good, from its `iat`. */
      tokenAgeMaxSeconds: z.number().positive().max(3_153_600_000).optional(),
      /** Where outside issuers write the role: a claim, or a path with dots. */
      roleClaim: claimPath.optional(),
      roleMap: z.record(z.string().max(256), z.enum(ROLES)).optional(),
      nameClaim: claimPath.optional(),
      avatarClaim: claimPath.optional(),
      /** False: outside issuers give identities, and no rights. */
      giveRoles: z.boolean().optional(),
    })
    .refine(
      ({ audience, jwksUrl, publicKeys }) =>
        audience !== undefined || (jwksUrl === undefined && publicKeys === undefined),
      {
        error:
          "is required with jwksUrl or publicKeys: name what the issuer writes into aud of " +
          "tokens for this service; without it, tokens for its other services would count here",
        path: ["audience"],
      },
    )
    .refine(
      ({ giveRoles, roleClaim, roleMap }) =>
        giveRoles !== false || (roleClaim === undefined && roleMap === undefined),
      {
        error: "is false, so roleClaim and roleMap say nothing: leave them out, or giveRoles",
        path: ["giveRoles"],
      },
    )
    .optional(),
});
export type ConfigurationForm = z.output<typeof configurationForm>;
