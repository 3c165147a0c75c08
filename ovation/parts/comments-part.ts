/** The comments service over a log, a store and a way to the dispatchers. */

import { join } from "node:path";
import {
  type Comments,
  createComments,
  createMemoryRateLimiter,
  createRateLimiterOff,
  openSqliteVideoStore,
  type RateLimiter,
  type VideoStore,
} from "@ovation/comments";
import type { Backbone } from "@ovation/dispatcher";
import type { Log } from "@ovation/log";
import { type Authenticate, systemClock } from "@ovation/protocol";
import type { Registry } from "prom-client";
import { createGuestIssuer } from "../tokens/mod.ts";
import { failureLogger, type Settings } from "./settings.ts";

export interface CommentsPartOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly store: VideoStore;
  readonly backbone: Backbone;
  readonly authenticate: Authenticate;
  readonly registry: Registry;
  /** Default: this process's own. */
  readonly limiter?: RateLimiter;
}

export function createCommentsPart({ settings, log, store, backbone, authenticate, registry, limiter }: CommentsPartOptions): Comments {
  const clock = systemClock;
  return createComments({
    log,
    store,
    publish: (events) => backbone.publish(events),
    viewers: (topics) => backbone.viewers(topics),
    authenticate,
    policy: settings.policy,
    clock,
    limiter: limiter ?? (settings.rateLimits ? createMemoryRateLimiter({ clock }) : createRateLimiterOff()),
    videos: settings.videos,
    guests: settings.guests
      ? createGuestIssuer({ secret: settings.secret, clock, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)) })
      : undefined,
    registry,
    onFailure: failureLogger(settings.logger),
  });
}

/** The store beside the log, in the data directory. */
export function openLocalStore(settings: Settings): VideoStore {
  return openSqliteVideoStore({ path: join(settings.dataDirectory, "videos.sqlite") });
}
