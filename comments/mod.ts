/**
 * comments: the rules and the HTTP API of the product. It checks what viewers send, writes comments
 * to the log, counts likes, and publishes.
 *
 * A comment: `comment-routes.ts` (who, how often, what) → `comment-writer.ts` →
 * `log/durable-writer.ts` (group commit) → 201 to the author; beside it `log/outbox.ts` publishes,
 * in commit order. A like: `like-routes.ts` → `like-counter.ts` (sums) → `video-store.ts` and
 * publish, every 250 ms.
 *
 * Invariants: an event that was answered with 201 is committed; no event is published before its
 * commit; no author waits for a reader.
 */

export * from "./comment.ts";
export * from "./comments.ts";
export type { LostLikes } from "./likes/like-counter.ts";
export {
  DEFAULT_LIKE_KINDS,
  DEFAULT_RATE_RULES,
  DEFAULT_RECORD_LIVES,
  PRESENCE_HEARTBEAT_MS,
  type RateRules,
  type RecordLives,
} from "./limits.ts";
export type { Guests } from "./members/guest-routes.ts";
export * from "./members/member-stores.ts";
export * from "./members/member-stores-sql.ts";
export type { PresenceValues } from "./members/presence.ts";
export { cleanLine, cleanName, countCodePoints, shownName } from "./names/text.ts";
export * from "./rates/rate-limiter.ts";
export * from "./rates/rate-limiter-memory.ts";
export * from "./rates/rate-limiter-off.ts";
export * from "./rates/rate-limiter-shared.ts";
export type { MessageRule, VideoLog } from "./service.ts";
export * from "./videos/video-store.ts";
export * from "./videos/video-store-sql.ts";
