/** The comments service over a log, a store and a way to the dispatchers. */

import { join } from "node:path";
import {
  type Comments,
  createComments,
  createMemoryRateLimiter,
  createRateLimiterOff,
  type MemberStores,
  openSqliteMemberStores,
  openSqliteVideoStore,
  type PresenceValues,
  type RateLimiter,
  type VideoLog,
  type VideoStore,
} from "@ovation/comments";
import type { PublisherApi } from "@ovation/dispatcher";
import { type Authenticate, steadyClock, systemClock } from "@ovation/protocol";
import type { Registry } from "prom-client";
import { createFailureLogger } from "../logging/failure-logger.ts";
import { createLiveGuestIssuer } from "../reload/live-tokens.ts";
import { isSame } from "../reload/reloads.ts";
import type { Settings } from "../settings/settings.ts";

export interface CommentsServiceOptions {
  readonly settings: Settings;
  readonly log: VideoLog;
  readonly store: VideoStore;
  readonly members: MemberStores;
  /** Where presence is kept; without it every member is offline. */
  readonly presence?: PresenceValues;
  readonly publisherApi: PublisherApi;
  readonly authenticate: Authenticate;
  readonly registry: Registry;
  /** Default: this process's own. */
  readonly limiter?: RateLimiter;
}

export function createCommentsService(options: CommentsServiceOptions): Comments {
  const { settings, log, store, members, presence, publisherApi, authenticate, registry, limiter } =
    options;
  const clock = systemClock;
  const comments = createComments({
    ...settings.comments,
    log,
    store,
    members,
    ...(presence === undefined ? {} : { presence }),
    publish: (events) => publisherApi.publish(events),
    viewers: (topics) => publisherApi.viewers(topics),
    authenticate,
    policy: settings.policy,
    clock,
    steady: steadyClock,
    limiter:
      limiter ??
      (settings.rateLimits
        ? createMemoryRateLimiter({ clock: steadyClock })
        : createRateLimiterOff()),
    videos: settings.videos,
    addressSecret: settings.secret,
    guests: settings.guests ? createLiveGuestIssuer(settings) : undefined,
    registry,
    onFailure: createFailureLogger(settings.logger),
  });
  let now = settings.comments;
  settings.reloads?.add(({ comments: next }) => {
    const what = [
      ...(isSame(now?.rateRules, next?.rateRules) ? [] : ["limits"]),
      ...(isSame(now?.recordLives, next?.recordLives) ? [] : ["records"]),
    ];
    if (what.length === 0) return undefined;
    return {
      what,
      apply() {
        now = next;
        comments.configure(next ?? {});
      },
    };
  });
  return comments;
}

/** What is known of members, beside the log. */
export function openLocalMembers(
  settings: Settings,
  onDamage: (what: string) => void,
): MemberStores {
  return openSqliteMemberStores({ path: membersPathOf(settings), onDamage });
}

/** The store beside the log, in the data directory. */
export function openLocalStore(settings: Settings, onDamage: (what: string) => void): VideoStore {
  return openSqliteVideoStore({ path: videosPathOf(settings), onDamage });
}

/** The files of both. */
export function localStoresOf(settings: Settings): readonly string[] {
  return [videosPathOf(settings), membersPathOf(settings)];
}

function videosPathOf({ dataDirectory }: Settings): string {
  return join(dataDirectory, "videos.sqlite");
}

function membersPathOf({ dataDirectory }: Settings): string {
  return join(dataDirectory, "members.sqlite");
}
