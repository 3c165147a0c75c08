/** The comments service, put together. */

import type { Log } from "@ovation/log";
import { type Authenticate, type Clock, COMMENT_CODE_POINTS_MAX, type Event, type Policy, type Route, type Topic } from "@ovation/protocol";
import type { Registry } from "prom-client";
import { createCommentRoutes } from "./comment-routes.ts";
import { createCounters } from "./counters.ts";
import { createGuestRoutes, type Guests } from "./guest-routes.ts";
import { createLikeRoutes } from "./like-routes.ts";
import { DEFAULT_LIKE_KINDS, DEFAULT_RATE_RULES, type RateRules } from "./limits.ts";
import { createMetrics } from "./metrics.ts";
import { createOutbox } from "./outbox.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import { guardRoute, type Service } from "./service.ts";
import { createVideoDirectory } from "./video-directory.ts";
import { createVideoRoutes } from "./video-routes.ts";
import type { VideoStore } from "./video-store.ts";

export interface CommentsOptions {
  readonly log: Log;
  readonly store: VideoStore;
  /** Hands events to a dispatcher. Awaited only to keep the order; a rejection is counted and left to the repair lane. */
  publish(events: readonly Event[]): Promise<void>;
  /** Viewers now; topics without any may be absent. */
  viewers(topics: readonly Topic[]): Promise<ReadonlyMap<Topic, number>>;
  readonly authenticate: Authenticate;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly limiter: RateLimiter;
  /** `any`: a video exists by being used. `listed`: only those that `PUT /v1/videos/{id}` created. */
  readonly videos: "any" | "listed";
  /** Absent where guests may not comment. */
  readonly guests: Guests | undefined;
  readonly registry: Registry;
  readonly rateRules?: Partial<RateRules>;
  readonly likeKinds?: readonly string[];
  /** The length of a comment, in code points. */
  readonly textCodePointsMax?: number;
  /** What went wrong in the background and is tried again or healed elsewhere; for the program's log. */
  onFailure?(part: "counts" | "publish", error: unknown): void;
}

export interface Comments {
  readonly routes: readonly Route[];
  /** Stores and publishes the counts that wait, and waits until everything committed is handed on. */
  flush(): Promise<void>;
  /** {@link flush}, and no more timers. The log and the store are their owner's to close. */
  close(): Promise<void>;
}

export function createComments(options: CommentsOptions): Comments {
  const { log, store, clock } = options;
  const metrics = createMetrics(options.registry, () => outbox.waiting);
  const outbox = createOutbox({
    publish: (events) => options.publish(events),
    onDropped(events, reason, error) {
      metrics.unpublished.inc({ reason }, events);
      if (error !== undefined) options.onFailure?.("publish", error);
    },
  });
  const counters = createCounters({
    store,
    clock,
    push: (event) => outbox.push(event),
    onFailure(error) {
      metrics.failures.inc({ part: "counts" });
      options.onFailure?.("counts", error);
    },
  });
  const service: Service = {
    log,
    store,
    directory: createVideoDirectory({ store, clock, videos: options.videos }),
    counters,
    outbox,
    metrics,
    clock,
    policy: options.policy,
    authenticate: options.authenticate,
    limiter: options.limiter,
    rules: { ...DEFAULT_RATE_RULES, ...options.rateRules },
    guestsOn: options.guests !== undefined,
    textCodePointsMax: options.textCodePointsMax ?? COMMENT_CODE_POINTS_MAX,
    viewers: (topics) => options.viewers(topics),
  };
  const routes = [
    ...createCommentRoutes(service),
    ...createLikeRoutes(service, options.likeKinds ?? DEFAULT_LIKE_KINDS),
    ...createVideoRoutes(service),
    ...createGuestRoutes(service, options.guests),
  ];
  return {
    routes: routes.map((route) => guardRoute(metrics, route)),
    async flush() {
      await counters.flush();
      await outbox.idle();
    },
    async close() {
      await counters.close();
      await outbox.idle();
    },
  };
}
