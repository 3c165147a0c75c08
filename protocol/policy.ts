/**
 * What the kind of a topic decides, in one table. The table below is the built-in one; a
 * configuration file may change it or add kinds (read and checked in `ovation/`). A kind that is
 * not in the table does not exist: it cannot be subscribed or published.
 */

import type { Identity } from "./identity.ts";
import { isOwnTopic } from "./identity.ts";
import { idOf, kindOf, patternCovers, type Topic } from "./topic.ts";

/** Who may do something, besides tokens whose patterns name the topic. */
export type Audience =
  /** Every client, with or without a token. */
  | "anyone"
  /** Every client with a token, guests included. */
  | "members"
  /** Every client with a token that is not a guest's. */
  | "signed-in"
  /** Only the member whose id the topic names. */
  | "own"
  /** Only tokens whose patterns cover the topic. */
  | "token";

export interface TypePolicy {
  readonly lane: "live" | "durable";
  /**
   * How two pending events of this type become one. `sum`: numbers in `data` add up, except below
   * `total`, where the larger one is kept. `latest`: the later one replaces the earlier one, per
   * value of the `data` property `per` if given.
   */
  readonly merge?: "sum" | "latest";
  readonly per?: string;
  /** A merged type is written at most this often per topic and frontend. */
  readonly everyMs?: number;
}

export interface Retention {
  /** Kept per topic; the oldest are removed first. */
  readonly eventsMax?: number;
  readonly ageMsMax?: number;
}

/** Topics that differ from the rest of their kind: private videos. */
export interface TopicException {
  /** An id, or a prefix of ids: `board-*`. */
  readonly ids: string;
  readonly subscribe?: Audience;
  readonly comment?: CommentAudience;
}

/**
 * Who may comment, among those who may subscribe; a token is always needed. Hosts and moderators
 * always may.
 */
export type CommentAudience =
  /** Guests too. */
  | "everyone"
  /** All but guests. */
  | "members"
  /** Hosts and moderators only. */
  | "staff";

export interface KindPolicy {
  readonly subscribe: Audience;
  /** A kind that only the system writes and reads: no token subscribes or publishes to it. */
  readonly internal?: boolean;
  /** Default: everyone. */
  readonly comment?: CommentAudience;
  /** The first match counts. */
  readonly exceptions?: readonly TopicException[];
  /** Whether viewers of a topic are counted and `stats` events sent. */
  readonly viewers: boolean;
  /** Types that differ from `defaultType`. */
  readonly types: Readonly<Record<string, TypePolicy>>;
  readonly defaultType: TypePolicy;
  readonly retention: Retention;
}

export type Policy = Readonly<Record<string, KindPolicy>>;

const DAY_MS = 24 * 60 * 60 * 1000;

export const DEFAULT_POLICY: Policy = {
  video: {
    subscribe: "anyone",
    viewers: true,
    types: {
      comment: { lane: "durable" },
      "comment-removed": { lane: "durable" },
      "comment-edited": { lane: "durable" },
      pin: { lane: "durable" },
      "video-deleted": { lane: "durable" },
      likes: { lane: "live", merge: "sum", everyMs: 250 },
      stats: { lane: "live", merge: "latest", everyMs: 1000 },
      typing: { lane: "live", merge: "latest", per: "from" },
    },
    defaultType: { lane: "live" },
    retention: { eventsMax: 1_000_000 },
  },
  member: {
    subscribe: "own",
    viewers: false,
    types: {
      message: { lane: "durable" },
      notification: { lane: "durable" },
      "notification-removed": { lane: "durable" },
      "guest-upgraded": { lane: "durable" },
      receipt: { lane: "durable" },
      typing: { lane: "live", merge: "latest", per: "from" },
      presence: { lane: "live", merge: "latest", per: "member" },
    },
    defaultType: { lane: "live" },
    retention: { eventsMax: 10_000, ageMsMax: 90 * DAY_MS },
  },
  // What two members wrote to each other: read over `/v1/members/{id}/messages` only.
  conversation: {
    subscribe: "own",
    internal: true,
    viewers: false,
    types: { message: { lane: "durable" } },
    defaultType: { lane: "live" },
    retention: { eventsMax: 10_000, ageMsMax: 365 * DAY_MS },
  },
};

export function policyOf(policy: Policy, topic: Topic): KindPolicy | undefined {
  const kind = kindOf(topic);
  return Object.hasOwn(policy, kind) ? policy[kind] : undefined;
}

export function typePolicyOf(policy: Policy, topic: Topic, type: string): TypePolicy {
  const kind = policyOf(policy, topic);
  return kind === undefined ? { lane: "live" } : typePolicyIn(kind, type);
}

export function typePolicyIn(kind: KindPolicy, type: string): TypePolicy {
  return (Object.hasOwn(kind.types, type) ? kind.types[type] : undefined) ?? kind.defaultType;
}

function exceptionOf(kind: KindPolicy, topic: Topic): TopicException | undefined {
  if (kind.exceptions === undefined) return undefined;
  const id = idOf(topic);
  return kind.exceptions.find(({ ids }) =>
    ids.endsWith("*") ? id.startsWith(ids.slice(0, -1)) : ids === id,
  );
}

/** Who may comment on the topic; see {@link CommentAudience}. */
export function commentAudienceOf(policy: Policy, topic: Topic): CommentAudience {
  const kind = policyOf(policy, topic);
  if (kind === undefined) return "staff";
  return exceptionOf(kind, topic)?.comment ?? kind.comment ?? "everyone";
}

/** Whether `identity` (without one, any client) may subscribe to the topic. */
export function maySubscribe(
  policy: Policy,
  identity: Identity | undefined,
  topic: Topic,
): boolean {
  const kind = policyOf(policy, topic);
  if (kind === undefined || kind.internal === true) return false;
  if (identity?.subscribe.some((pattern) => patternCovers(pattern, topic))) return true;
  switch (exceptionOf(kind, topic)?.subscribe ?? kind.subscribe) {
    case "anyone":
      return true;
    case "members":
      return identity !== undefined;
    case "signed-in":
      return identity !== undefined && identity.role !== "guest";
    case "own":
      return identity !== undefined && isOwnTopic(identity, topic);
    case "token":
      return false;
  }
}
