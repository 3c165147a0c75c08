/** What a request may do: its video, its identity, its rates. The checks that routes share. */

import {
  type HttpRequest,
  type Identity,
  isTopicId,
  mayPublish,
  maySubscribe,
  Problem,
  parseTopic,
  type Role,
  type RouteContext,
  roleIn,
  type Topic,
  upgradedProblem,
} from "@ovation/protocol";
import type { RateRule } from "../rates/rate-limiter.ts";
import type { NamedVideo, Service } from "../service.ts";
import type { VideoSettings } from "../videos/video-directory.ts";

/** The video that the path of the request names. */
export function videoOf(context: RouteContext): NamedVideo {
  const id = context.params.id ?? "";
  const topic = parseTopic(`video:${id}`);
  if (topic === undefined) throw new Problem("invalid-id");
  return { id, topic };
}

/** The member that the path of the request names. */
export function memberOf(context: RouteContext): string {
  const id = context.params.id ?? "";
  if (!isTopicId(id)) throw new Problem("invalid-id");
  return id;
}

export function isStaff(role: Role | undefined): boolean {
  return role === "host" || role === "moderator";
}

/** Throws `token-missing`, and what {@link identify} throws. */
export async function requireMember(service: Service, request: HttpRequest): Promise<Identity> {
  const identity = await identify(service, request);
  if (identity === undefined) throw new Problem("token-missing");
  return identity;
}

/**
 * Undefined for a request without a token. Throws where the token is not valid, as that of a guest
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
  // Members may write to hosts and moderators from their first request on, of any kind.
  if (identity !== undefined && isStaff(identity.role)) service.people?.directory.note(identity);
  return identity;
}

/** Without the right to watch a video there is none to read or write in it. */
export function requireSight(service: Service, identity: Identity | undefined, topic: Topic): void {
  if (maySubscribe(service.policy, identity, topic)) {
    if (identity !== undefined) service.names.note(identity, topic);
    return;
  }
  throw new Problem(identity === undefined ? "token-missing" : "forbidden");
}

/** Throws `unknown-video`, `video-deleted`. */
export async function requireVideo(service: Service, { id }: NamedVideo): Promise<VideoSettings> {
  const known = service.directory.settings(id);
  const settings = known instanceof Promise ? await known : known;
  if (settings.deleted) throw new Problem("video-deleted");
  if (!settings.exists) throw new Problem("unknown-video");
  return settings;
}

/**
 * {@link requireVideo} for a like or a comment. An address creates a bounded number of videos; a
 * write of a host or a publisher lists the video.
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

/** Hosts of the video, and servers that publish to it, may create, change and delete it. */
export function mayManage(identity: Identity | undefined, video: NamedVideo): boolean {
  if (identity === undefined) return false;
  return roleIn(identity, video.id) === "host" || mayPublish(identity, video.topic);
}

/** The author of a request that may write in a video. */
export interface Writer {
  readonly identity: Identity;
  readonly role: Role;
  /** Hosts, moderators and servers: no rate limits. */
  readonly exempt: boolean;
}

/** Throws `token-missing`, `forbidden`, `guests-off`. */
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
 * Throws `timed-out` or `banned` where a sanction is in force in the video or on the whole site:
 * the member's own, or for guests and requests without a token that of a guest of their address.
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

/** {@link requireRate} per address. An empty one is unknown, and has no limit. */
export async function requireAddressRate(
  service: Service,
  what: string,
  context: RouteContext,
  rule: RateRule,
): Promise<void> {
  if (context.address !== "")
    await requireRate(service, `${what} address ${context.address}`, rule);
}

/** Throws `rate-limited` where the key has used its share. */
export async function requireRate(
  service: Pick<Service, "limiter">,
  key: string,
  rule: RateRule,
): Promise<void> {
  const result = await service.limiter.take(key, 1, rule);
  if (!result.ok)
    throw new Problem("rate-limited", undefined, { retryAfterMs: result.retryAfterMs });
}
