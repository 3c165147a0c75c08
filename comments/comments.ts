/** The comments service, put together. */

import { DatabaseUnavailableError } from "@ovation/database";
import { DurableWriter, Outbox } from "@ovation/log";
import {
  type Authenticate,
  type Clock,
  COMMENT_CODE_POINTS_MAX,
  type Event,
  idOf,
  kindOf,
  type Policy,
  type Route,
  type StaffMember,
  type Topic,
} from "@ovation/protocol";
import type { Registry } from "prom-client";
import { createBackground } from "./background.ts";
import { createCommentRoutes } from "./comment-routes.ts";
import { createCommentCounts } from "./history/comment-counts.ts";
import { LikeCounter, type LostLikes } from "./likes/like-counter.ts";
import { createLikeRoutes } from "./likes/like-routes.ts";
import {
  COMMENTS_CLOSE_MS_MAX,
  DEFAULT_LIKE_KINDS,
  DEFAULT_RATE_RULES,
  DEFAULT_RECORD_LIVES,
  type RateRules,
  type RecordLives,
} from "./limits.ts";
import { createConversationRoutes } from "./members/conversation-routes.ts";
import { createHashAddress } from "./members/guest-addresses.ts";
import {
  createGuestRoutes,
  createGuestUpgradeRoutes,
  type Guests,
} from "./members/guest-routes.ts";
import { createInboxRoutes } from "./members/inbox-routes.ts";
import { createKnownViewers } from "./members/known-viewers.ts";
import { createMemberDirectory } from "./members/member-directory.ts";
import type { MemberStores } from "./members/member-stores.ts";
import { createMessageRoutes } from "./members/message-routes.ts";
import { createNotificationRoutes } from "./members/notifications/notification-routes.ts";
import { Presence, type PresenceValues } from "./members/presence.ts";
import { createPresenceRoutes, tellPresence } from "./members/presence-routes.ts";
import { createSanctionRoutes } from "./members/sanctions/sanction-routes.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createNameGuard } from "./names/name-guard.ts";
import type { RateLimiter } from "./rates/rate-limiter.ts";
import { limitReads, type ReadLimitOptions } from "./rates/read-limit.ts";
import { RecentFailures } from "./recent-failures.ts";
import { identify } from "./requests/access.ts";
import { guardRoute } from "./requests/problem-guard.ts";
import type { MessageRule, People, Service, VideoLog } from "./service.ts";
import { createUpkeep, type UpkeepTask } from "./upkeep.ts";
import { createNewVideos } from "./videos/new-videos.ts";
import { createVideoDirectory } from "./videos/video-directory.ts";
import { createVideoRoutes } from "./videos/video-routes.ts";
import type { VideoStore } from "./videos/video-store.ts";

export interface CommentsOptions {
  readonly log: VideoLog;
  readonly store: VideoStore;
  /** To a dispatcher. Awaited for the order only; the repair lane delivers what it rejects. */
  publish(events: readonly Event[]): Promise<unknown>;
  /**
   * Viewers now. Where it rejects, or leaves a topic out, a video is answered with the last number
   * that is known.
   */
  viewers(topics: readonly Topic[]): Promise<ReadonlyMap<Topic, number>>;
  readonly authenticate: Authenticate;
  readonly policy: Policy;
  readonly clock: Clock;
  /** For durations: it does not jump when the wall clock is set. Default: `clock`. */
  readonly steady?: Clock;
  readonly limiter: RateLimiter;
  /** `any`: the first use creates a video. `listed`: only `PUT /v1/videos/{id}` does. */
  readonly videos: "any" | "listed";
  /** Absent where guests may not comment. */
  readonly guests: Guests | undefined;
  readonly registry: Registry;
  readonly rateRules?: Partial<RateRules>;
  /** With what addresses of guests are hashed; without it a guest's sanction is theirs alone. */
  readonly addressSecret?: string;
  readonly recordLives?: Partial<RecordLives>;
  readonly likeKinds?: readonly string[];
  /** The length of a comment, in code points. */
  readonly textCodePointsMax?: number;
  /**
   * With it there are messages, notifications, time-outs and guests that become members; without
   * it, comments and likes only.
   */
  readonly members?: MemberStores;
  /** Who may write first to whom. Default: `staff`. */
  readonly messages?: MessageRule;
  /** Hosts and moderators of the site who count as such before they ever came. */
  readonly staff?: readonly string[];
  /** The store of presence. Without it there is no presence. */
  readonly presence?: PresenceValues;
  /** A failure in the background that is retried or repaired elsewhere; for the program's log. */
  onFailure?(part: "counts" | "publish" | "notify" | "presence" | "profiles", error: unknown): void;
}

export interface Comments {
  readonly routes: readonly Route[];
  /** The connected members: by frontends at each connect and every `PRESENCE_HEARTBEAT_MS`. */
  heartbeat(members: readonly string[], staff?: readonly StaffMember[]): Promise<void>;
  /** Those of the guests who have become members. */
  upgraded(guests: readonly string[]): Promise<readonly string[]>;
  /** Whether the topic is one of a deleted video. Without the database, recent answers count. */
  isDeleted(topic: Topic): boolean | Promise<boolean>;
  /** Replaces the rates and the retention of records. */
  configure(next: Pick<CommentsOptions, "rateRules" | "recordLives">): void;
  /** What drops records that have ended: to be run now and then, by one process or by several. */
  readonly upkeep: readonly UpkeepTask[];
  /** Why requests were refused recently, where the databases are the reason: for `readyz`. */
  recentFailure(): string | undefined;
  /** Stores and publishes pending counts; resolves when the outbox is empty. */
  flush(): Promise<void>;
  /**
   * {@link flush}, then no more timers. What the stores do not take within COMMENTS_CLOSE_MS_MAX
   * is lost; returns the lost likes. The owner of the log and of the store closes them.
   */
  close(): Promise<LostLikes>;
}

type Part = Parameters<NonNullable<CommentsOptions["onFailure"]>>[0];

export function createComments(options: CommentsOptions): Comments {
  const rules: RateRules = { ...DEFAULT_RATE_RULES, ...options.rateRules };
  const lives: RecordLives = { ...DEFAULT_RECORD_LIVES, ...options.recordLives };
  const service = createService(options, rules);
  const { people, likes, commentCounts, background, outbox } = service;
  const failures = new RecentFailures(service.steady);
  const presence =
    people === undefined || options.presence === undefined
      ? undefined
      : startPresence(options, service, people, options.presence);
  const routes = [
    ...createCommentRoutes(service),
    ...createLikeRoutes(service, options.likeKinds ?? DEFAULT_LIKE_KINDS),
    ...createVideoRoutes(service),
    ...createGuestRoutes(service, options.guests),
    ...(people === undefined ? [] : createPeopleRoutes(service, people, presence)),
  ];
  return {
    routes: limitReads(readLimitOf(service), routes).map((route) =>
      failures.watch(guardRoute(service.metrics, route)),
    ),
    recentFailure: () => failures.reason,
    // Both objects are read at each use, by all that have them.
    configure({ rateRules, recordLives }) {
      Object.assign(rules, DEFAULT_RATE_RULES, rateRules);
      Object.assign(lives, DEFAULT_RECORD_LIVES, recordLives);
    },
    upkeep: createUpkeep(service, lives),
    async heartbeat(members, staff = []) {
      // A host or moderator who is connected can be written to, whatever they have done so far.
      for (const member of staff) people?.directory.noteStaff(member);
      await presence?.heartbeat(members);
    },
    upgraded: async (guests) => [
      ...((await people?.stores.members.ownersOf(guests))?.keys() ?? []),
    ],
    isDeleted: (topic) => isDeletedVideo(service, topic),
    async flush() {
      await background.idle();
      await Promise.all([likes.flush(), commentCounts.flush(), people?.directory.flush()]);
      await outbox.idle();
    },
    async close() {
      presence?.close();
      const overdue = Promise.withResolvers<void>();
      const cancel = options.clock.after(COMMENTS_CLOSE_MS_MAX, overdue.resolve);
      const lost = likes.close();
      const rest = [background.idle(), commentCounts.close(), people?.directory.flush(), lost];
      await Promise.race([Promise.allSettled(rest).then(() => outbox.idle()), overdue.promise]);
      cancel();
      return lost;
    },
  };
}

function isDeletedVideo({ directory }: Service, topic: Topic): boolean | Promise<boolean> {
  if (kindOf(topic) !== "video") return false;
  const settings = directory.settings(idOf(topic));
  if (!(settings instanceof Promise)) return settings.deleted;
  return settings.then(
    ({ deleted }) => deleted,
    (error: unknown) => {
      // Live events need no database, and durable ones are refused by the log.
      if (error instanceof DatabaseUnavailableError) return false;
      throw error;
    },
  );
}

function readLimitOf(service: Service): ReadLimitOptions {
  return {
    steady: service.steady,
    limiter: service.limiter,
    rules: service.rules,
    identify: (request) => identify(service, request),
  };
}

function createService(options: CommentsOptions, rules: RateRules): Service {
  const { log, store, clock } = options;
  const steady = options.steady ?? clock;
  const metrics = createMetrics(options.registry, () => outbox.waiting);
  const failed = failureCounter(options, metrics);
  const outbox = new Outbox({
    async publish(events) {
      await options.publish(events);
    },
    onDropped(events, reason, error) {
      metrics.unpublished.inc({ reason }, events);
      if (error !== undefined) options.onFailure?.("publish", error);
    },
  });
  const limiter = options.limiter;
  return {
    log,
    store,
    newVideos: createNewVideos(limiter, steady, rules),
    directory: createVideoDirectory({ store, clock: steady, videos: options.videos }),
    likes: new LikeCounter({
      store,
      clock,
      push: (event) => outbox.push(event),
      onFailure: failed("counts"),
    }),
    commentCounts: createCommentCounts({ log, store, clock, onFailure: failed("counts") }),
    background: createBackground(failed("notify")),
    outbox,
    metrics,
    clock,
    steady,
    policy: options.policy,
    authenticate: options.authenticate,
    limiter,
    rules,
    guestsOn: options.guests !== undefined,
    hashAddress: createHashAddress(options.addressSecret),
    textCodePointsMax: options.textCodePointsMax ?? COMMENT_CODE_POINTS_MAX,
    viewers: createKnownViewers({
      ask: (topics) => options.viewers(topics),
      clock: steady,
      onFailure: failed("counts"),
    }),
    names: createNameGuard({
      log,
      stores: options.members,
      steady,
      onFailure: failed("profiles"),
    }),
    people:
      options.members === undefined
        ? undefined
        : createPeople(options, options.members, failed("profiles")),
    writer: new DurableWriter({
      log,
      publish(events) {
        for (const event of events) outbox.push(event);
      },
    }),
  };
}

function failureCounter(
  options: CommentsOptions,
  metrics: Metrics,
): (part: Part) => (error: unknown) => void {
  return (part) => (error) => {
    metrics.failures.inc({ part });
    options.onFailure?.(part, error);
  };
}

function createPeople(
  options: CommentsOptions,
  stores: MemberStores,
  onFailure: (error: unknown) => void,
): People {
  return {
    stores,
    directory: createMemberDirectory({
      stores,
      clock: options.clock,
      steady: options.steady ?? options.clock,
      onFailure,
    }),
    messages: options.messages ?? "staff",
    staff: new Set(options.staff),
  };
}

function startPresence(
  options: CommentsOptions,
  service: Service,
  people: People,
  values: PresenceValues,
): Presence {
  const presence: Presence = new Presence({
    values,
    keptMs: options.recordLives?.presenceMs ?? DEFAULT_RECORD_LIVES.presenceMs,
    clock: options.clock,
    onChange: (member, status) => tellPresence(service, people, presence, member, status),
    onFailure: failureCounter(options, service.metrics)("presence"),
  });
  return presence;
}

function createPeopleRoutes(
  service: Service,
  people: People,
  presence: Presence | undefined,
): readonly Route[] {
  return [
    ...createGuestUpgradeRoutes(service, people),
    ...createSanctionRoutes(service, people),
    ...createMessageRoutes(service, people),
    ...createConversationRoutes(service, people),
    ...createInboxRoutes(service, people),
    ...createNotificationRoutes(service),
    ...(presence === undefined ? [] : createPresenceRoutes(service, people, presence)),
  ];
}
