/**
 * The calls of frontends on dispatchers: paths and bodies. `upstream-http.ts` makes them,
 * `upstream-routes.ts` takes them.
 */

import {
  type ConnectionId,
  isTopicId,
  parseConnectionId,
  parseTopic,
  ROLES,
  TOPICS_PER_CONNECTION_MAX,
  type Topic,
} from "@ovation/protocol";
import { z } from "zod";

export const UPSTREAM_PATHS = {
  change: "/internal/v1/change",
  report: "/internal/v1/report",
  read: "/internal/v1/read",
  wrote: "/internal/v1/wrote",
  reached: "/internal/v1/reached",
  headAt: "/internal/v1/head-at",
  changeConnection: "/internal/v1/change-connection",
  present: "/internal/v1/present",
  upgraded: "/internal/v1/upgraded",
  renew: "/internal/v1/renew",
  release: "/internal/v1/release",
  probe: "/internal/v1/probe",
} as const;
/** On frontends: a change of a connection's subscriptions, passed on by a dispatcher. */
export const CONNECTION_PATH = "/internal/v1/connection";

/** In one call; frontends split more over several. */
export const CHANGES_PER_CALL_MAX = 2000;
export const COUNTS_PER_CALL_MAX = 10_000;
export const MEMBERS_PER_CALL_MAX = 2000;
export const READ_LIMIT_MAX = 1000;
export const LEASE_MS_MAX = 10 * 60 * 1000;
/** Enough for the largest of the calls above. */
export const CALL_BYTES_MAX = 4 * 1024 * 1024;

const SafeInteger = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const TopicText = z.string().transform((text, context): Topic => {
  const topic = parseTopic(text);
  if (topic !== undefined) return topic;
  context.addIssue({ code: "custom", message: "not a topic" });
  return z.NEVER;
});
const ConnectionIdText = z.string().transform((text, context): ConnectionId => {
  const connection = parseConnectionId(text);
  if (connection !== undefined) return connection;
  context.addIssue({ code: "custom", message: "not a connection id" });
  return z.NEVER;
});
const Epoch = z.string().regex(/^[a-z0-9]{0,8}$/);
/** -1 before the first report. */
const Stamp = z.int().min(-1).max(Number.MAX_SAFE_INTEGER);

export const ChangeCall = z.strictObject({
  changes: z
    .array(z.strictObject({ topic: TopicText, subscribed: z.boolean(), generation: SafeInteger }))
    .max(CHANGES_PER_CALL_MAX),
});
export const ReportCall = z.strictObject({
  viewers: z
    .array(z.strictObject({ topic: TopicText, viewers: SafeInteger }))
    .max(COUNTS_PER_CALL_MAX),
  since: Stamp,
});
export const ReadCall = z.strictObject({
  topic: TopicText,
  after: SafeInteger,
  limit: z.int().min(1).max(READ_LIMIT_MAX),
  need: SafeInteger.optional(),
});
export const WroteCall = z.strictObject({ topic: TopicText, seq: SafeInteger, epoch: Epoch });
export const ReachedCall = z.strictObject({ epoch: Epoch, stamp: Stamp });
export const HeadAtCall = z.strictObject({ topic: TopicText, stamp: Stamp });
export const ConnectionCall = z.strictObject({
  connection: ConnectionIdText,
  add: z.array(TopicText).max(TOPICS_PER_CONNECTION_MAX),
  remove: z.array(TopicText).max(TOPICS_PER_CONNECTION_MAX),
  /** A member's id, or empty. */
  sub: z.string().refine((text) => text === "" || isTopicId(text)),
  /** When the token of `sub` expires. */
  expiresAt: SafeInteger.optional(),
  order: SafeInteger.optional(),
});
const StaffForm = z.strictObject({
  sub: z.string().refine(isTopicId),
  name: z.string(),
  avatar: z.string().exactOptional(),
  role: z.enum(ROLES),
});
export const PresentCall = z.strictObject({
  members: z.array(z.string().refine(isTopicId)).max(MEMBERS_PER_CALL_MAX),
  /** Absent from frontends of an earlier version. */
  staff: z.array(StaffForm).max(MEMBERS_PER_CALL_MAX).default([]),
});
export const UpgradedCall = z.strictObject({
  guests: z.array(z.string().refine(isTopicId)).max(MEMBERS_PER_CALL_MAX),
});
export const RenewCall = z.strictObject({ ttlMs: z.int().min(1).max(LEASE_MS_MAX) });
export const ProbeCall = z.strictObject({ number: SafeInteger });
export const EmptyCall = z.strictObject({});
