/**
 * Records beside the log that end: what viewers alone made, and what is over. The events of the log end
 * by the retention of their kind; a conversation's record ends with its messages.
 */

import { topicOf } from "@ovation/protocol";
import {
  DEFAULT_RECORD_LIVES,
  GUEST_ADDRESS_MS,
  LIKE_WRITERS_MS,
  NOTICES_KEPT_MS,
  type RecordLives,
  UPKEEP_ROWS_MAX,
} from "./limits.ts";
import type { Service } from "./service.ts";

/** A task of the installation's upkeep. */
export interface UpkeepTask {
  readonly name: string;
  /** Drops a bounded part of what has ended; answers whether more waits. Two processes at once do no harm. */
  run(): Promise<{ readonly more: boolean }>;
}

export function createUpkeep(
  service: Service,
  lives: RecordLives = DEFAULT_RECORD_LIVES,
): readonly UpkeepTask[] {
  const { store, log, clock, people, policy } = service;
  const before = (lifeMs: number) => clock.now() - lifeMs;

  const task = (name: string, drop: () => Promise<number>): UpkeepTask => ({
    name,
    run: async () => ({ more: (await drop()) >= UPKEEP_ROWS_MAX }),
  });

  async function expireVideos(): Promise<number> {
    const ends = {
      commented: before(lives.unlistedVideosMs),
      liked: before(lives.likedVideosMs),
      deleted: before(lives.deletedVideosMs),
      writers: before(LIKE_WRITERS_MS),
    };
    const ids = await store.expire(ends, UPKEEP_ROWS_MAX);
    const heads = await log.heads(ids.map((id) => topicOf("video", id)));
    for (const { topic, seq, first } of heads) if (first <= seq) await log.clear(topic, seq + 1);
    return ids.length;
  }

  return [
    task("end of unlisted videos", expireVideos),
    ...(people === undefined
      ? []
      : [
          task("end of guests' profiles", () =>
            people.stores.members.forgetGuests(
              before(lives.guestsMs),
              clock.now(),
              UPKEEP_ROWS_MAX,
            ),
          ),
          task("end of links of guests who became members", () =>
            people.stores.members.forgetLinks(
              before(lives.guestLinksMs),
              clock.now(),
              UPKEEP_ROWS_MAX,
            ),
          ),
          task("end of guests' addresses", () =>
            people.stores.addresses.forget(
              { seen: before(GUEST_ADDRESS_MS), ended: clock.now() },
              UPKEEP_ROWS_MAX,
            ),
          ),
          task("end of notes who was told", () =>
            people.stores.notices.forget(
              before(policy.member?.retention.ageMsMax ?? NOTICES_KEPT_MS),
              UPKEEP_ROWS_MAX,
            ),
          ),
          task("end of past sanctions", () =>
            people.stores.sanctions.forgetEnded(before(lives.endedSanctionsMs), UPKEEP_ROWS_MAX),
          ),
          task("end of conversations", async () => {
            const conversationsMs = policy.conversation?.retention.ageMsMax;
            return conversationsMs === undefined
              ? 0
              : people.stores.conversations.forget(before(conversationsMs), UPKEEP_ROWS_MAX);
          }),
        ]),
  ];
}
