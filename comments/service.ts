/** What the routes of the comments service share. */

import {
  type DurableWriter,
  type Log,
  LogDamagedError,
  LogFullError,
  type LogKeeper,
  LogUnavailableError,
  type Outbox,
} from "@ovation/log";
import {
  type Authenticate,
  type Clock,
  type HttpRequest,
  type Identity,
  isTopicId,
  type LoadingCache,
  mayPublish,
  maySubscribe,
  type Policy,
  Problem,
  parseTopic,
  type Role,
  type Route,
  type RouteContext,
  roleIn,
  type Topic,
  upgradedProblem,
} from "@ovation/protocol";
import type { Background } from "./background.ts";
import type { CommentCounts } from "./comment-counts.ts";
import { StoreDamagedError, StoreUnavailableError } from "./database/sql-database.ts";
import type { LikeCounter } from "./likes/like-counter.ts";
import type { RateRules } from "./limits.ts";
import type { HashAddress } from "./members/guest-addresses.ts";
import type { MemberDirectory } from "./members/member-directory.ts";
import type { MemberStores } from "./members/member-stores.ts";
import type { MessageRule } from "./members/message-rules.ts";
import type { Metrics } from "./metrics.ts";
import type { NameGuard } from "./names/name-guard.ts";
import type { RateLimiter, RateRule } from "./rates/rate-limiter.ts";
import type { VideoDirectory, VideoSettings } from "./videos/video-directory.ts";
import type { VideoStore } from "./videos/video-store.ts";

/** A log in which the events of a deleted video can be dropped. */
export type VideoLog = Log & Pick<LogKeeper, "clear">;

export interface Service {
  /** To read. Events are written by `writer` only, so that each is published. */
  readonly log: Omit<VideoLog, "append" | "close">;
  readonly store: VideoStore;
  readonly directory: VideoDirectory;
  /** Videos that an address makes, by `address video`: rejects with `rate-limited` past its share. */
  readonly newVideos: LoadingCache<void>;
  readonly likes: LikeCounter;
  readonly commentCounts: CommentCounts;
  readonly outbox: Outbox;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** For how long something stays good: it does not jump when the wall clock is set. */
  readonly steady: Clock;
  readonly policy: Policy;
  readonly authenticate: Authenticate;
  readonly limiter: RateLimiter;
  readonly rules: RateRules;
  readonly guestsOn: boolean;
  readonly hashAddress: HashAddress;
  /** The length of a comment, in code points. */
  readonly textCodePointsMax: number;
  /** Names that guests may not take. */
  readonly names: NameGuard;
  /** Absent where this installation keeps nothing about members: then there are comments and likes only. */
  readonly people: People | undefined;
  readonly writer: DurableWriter;
  /** Notifications that follow an answer. */
  readonly background: Background;
  viewers(topics: readonly Topic[]): Promise<ReadonlyMap<Topic, number>>;
}

/** What is kept about members. */
export interface People {
  readonly stores: MemberStores;
  readonly directory: MemberDirectory;
  readonly messages: MessageRule;
  /** Members whom the configuration names as staff. */
  readonly staff: ReadonlySet<string>;
}

/** The video that a path names. */
export interface NamedVideo {
  readonly id: string;
  readonly topic: Topic;
}

export function videoOf(context: RouteContext): NamedVideo {
  const id = context.params.id ?? "";
  const topic = parseTopic(`video:${id}`);
  if (topic === undefined) throw new Problem("invalid-id");
  return { id, topic };
}

/** The member that a path names. */
export function memberOf(context: RouteContext): string {
  const id = context.params.id ?? "";
  if (!isTopicId(id)) throw new Problem("invalid-id");
  return id;
}

export function isStaff(role: Role | undefined): boolean {
  return role === "host" || role === "moderator";
}

/** Who asks; throws `token-missing`, and what {@link identify} throws. */
export async function requireMember(service: Service, request: HttpRequest): Promise<Identity> {
  const identity = await identify(service, request);
  if (identity === undefined) throw new Problem("token-missing");
  return identity;
}

/**
 * The identity of the request, if it has one; throws where its token does not hold, as that of a guest
 * who has become a member.
 */
export async function identify(
  service: Service,
  request: HttpRequest,
): Promise<Identity | undefined> {
  const identity = await service.authenticate(request);
  if (
    identity?.role === "guest" &&
    (await service.people?.directory.ownerOf(identity.sub)) !== undefined
  )
    throw upgradedProblem();
  if (identity !== undefined) service.names.note(identity, undefined);
  // Hosts and moderators can be written to from their first request on, whatever it asks for.
  if (identity !== undefined && isStaff(identity.role)) service.people?.directory.note(identity);
  return identity;
}

/** Whoever may not watch a video may not read or write beside it either. */
export function requireSight(service: Service, identity: Identity | undefined, topic: Topic): void {
  if (maySubscribe(service.policy, identity, topic)) {
    if (identity !== undefined) service.names.note(identity, topic);
    return;
  }
  throw new Problem(identity === undefined ? "token-missing" : "forbidden");
}

/** What is known of the video; throws `unknown-video`, `video-deleted`. */
export async function requireVideo(service: Service, { id }: NamedVideo): Promise<VideoSettings> {
  const known = service.directory.settings(id);
  const settings = known instanceof Promise ? await known : known;
  if (settings.deleted) throw new Problem("video-deleted");
  if (!settings.exists) throw new Problem("unknown-video");
  return settings;
}

/**
 * The same on the way of a like or comment. A viewer's address makes a bounded number of videos; what
 * a host or a publisher writes in puts the video on the list.
 */
export async function requireUsableVideo(
  service: Service,
  context: RouteContext,
  video: NamedVideo,
  identity: Identity | undefined,
): Promise<VideoSettings> {
  const settings = await requireVideo(service, video);
  if (settings.listed) return settings;
  if (mayManage(identity, video)) {
    await service.store.markListed(video.id, service.clock.now());
    service.directory.forget(video.id);
  } else if (!settings.stored && !isExempt(identity, video) && context.address !== "") {
    await service.newVideos.get(`${context.address} ${video.id}`);
  }
  return settings;
}

/** Whether the identity may make, change and delete the video: its hosts, and servers that publish to it. */
export function mayManage(identity: Identity | undefined, video: NamedVideo): boolean {
  if (identity === undefined) return false;
  return roleIn(identity, video.id) === "host" || mayPublish(identity, video.topic);
}

/** Somebody who may write in a video. */
export interface Writer {
  readonly identity: Identity;
  readonly role: Role;
  /** Hosts, moderators and servers: no rate limits. */
  readonly exempt: boolean;
}

/** Who asks, as somebody who may see the video; throws `token-missing`, `forbidden`, `guests-off`. */
export async function requireWriter(
  service: Service,
  request: HttpRequest,
  video: NamedVideo,
): Promise<Writer> {
  const identity = await requireMember(service, request);
  requireSight(service, identity, video.topic);
  const role = roleIn(identity, video.id);
  if (role === "guest" && !service.guestsOn) throw new Problem("guests-off");
  return { identity, role, exempt: isExempt(identity, video) };
}

/**
 * Throws `timed-out` or `banned` where a sanction holds in the video (without one, on the whole site):
 * the member's own, or for guests and those without a token that of a guest of their address.
 */
export async function requireUnsanctioned(
  service: Service,
  context: RouteContext,
  identity: Identity | undefined,
  video?: NamedVideo,
): Promise<void> {
  const directory = service.people?.directory;
  if (directory === undefined) return;
  // Above sanctions: hosts, and servers that publish.
  if (video === undefined ? identity?.role === "host" : mayManage(identity, video)) return;
  if (identity !== undefined) {
    const refused = directory.requireUnsanctioned(identity.sub, video?.id);
    if (refused instanceof Promise) await refused;
  }
  if (identity !== undefined && identity.role !== "guest") return;
  const refused = directory.requireFreeAddress(service.hashAddress(context.address), video?.id);
  if (refused instanceof Promise) await refused;
}

export function isExempt(identity: Identity | undefined, video: NamedVideo): boolean {
  if (identity === undefined) return false;
  const role = roleIn(identity, video.id);
  return isStaff(role) || mayPublish(identity, video.topic);
}

/** {@link requireRate} per address; an empty one is nobody's: who it is cannot be told, so nobody is held to it. */
export async function requireAddressRate(
  service: Service,
  what: string,
  context: RouteContext,
  rule: RateRule,
): Promise<void> {
  if (context.address !== "")
    await requireRate(service, `${what} address ${context.address}`, rule);
}

/** Throws `rate-limited` where the key has had its share. */
export async function requireRate(
  service: Pick<Service, "limiter">,
  key: string,
  rule: RateRule,
): Promise<void> {
  const result = await service.limiter.take(key, 1, rule);
  if (!result.ok)
    throw new Problem("rate-limited", undefined, { retryAfterMs: result.retryAfterMs });
}

/** The route with the errors of the log and the stores as Problems, and refusals counted. */
export function guardRoute(metrics: Metrics, route: Route): Route {
  return {
    ...route,
    async handle(request, context) {
      try {
        return await route.handle(request, context);
      } catch (error) {
        const known = toProblem(error);
        if (known === undefined) throw error;
        metrics.refused.inc({ code: known.code });
        throw known;
      }
    },
  };
}

function toProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof LogFullError)
    return new Problem("log-full", undefined, { retryAfterMs: 5_000 });
  if (error instanceof LogDamagedError)
    return new Problem("unavailable", "A part of the log is damaged", { retryAfterMs: 60_000 });
  if (error instanceof StoreDamagedError)
    return new Problem("unavailable", "A part of the database is damaged", {
      retryAfterMs: 60_000,
    });
  if (error instanceof LogUnavailableError || error instanceof StoreUnavailableError) {
    return new Problem("unavailable", "The database does not answer", { retryAfterMs: 1_000 });
  }
  return undefined;
}
