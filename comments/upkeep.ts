/**
 * The retention of the records beside the log: what viewers alone created, and what has ended. The
 * log drops its own events; the record of a conversation ends with its messages.
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
import { NoticeLinks } from "./members/notifications/notice-links.ts";
import type { People, Service } from "./service.ts";

/** A task of the installation's upkeep. */
export interface UpkeepTask {
  readonly name: string;
  /** One bounded step; `more` where another one is due. Two processes at once do no harm. */
  run(): Promise<{ readonly more: boolean }>;
}

export function createUpkeep(
  service: Service,
  lives: RecordLives = DEFAULT_RECORD_LIVES,
): readonly UpkeepTask[] {
  const { people } = service;
  return [
    dropping("end of unlisted videos", () => expireVideos(service, lives)),
    ...(people === undefined ? [] : memberTasks(service, people, lives)),
  ];
}

/** `drop` returns the number of dropped rows, at most UPKEEP_ROWS_MAX. */
function dropping(name: string, drop: () => Promise<number>): UpkeepTask {
  return { name, run: async () => ({ more: (await drop()) >= UPKEEP_ROWS_MAX }) };
}

async function expireVideos(
  { store, log, clock }: Service,
  { unlistedVideosMs, likedVideosMs, deletedVideosMs }: RecordLives,
): Promise<number> {
  const now = clock.now();
  const ends = {
    commented: now - unlistedVideosMs,
    liked: now - likedVideosMs,
    deleted: now - deletedVideosMs,
    writers: now - LIKE_WRITERS_MS,
  };
  const ids = await store.expire(ends, UPKEEP_ROWS_MAX);
  const heads = await log.heads(ids.map((id) => topicOf("video", id)));
  for (const { topic, seq, first } of heads) if (first <= seq) await log.clear(topic, seq + 1);
  return ids.length;
}

/** `lives` is read at each step: a reload of the configuration changes it. */
function memberTasks(service: Service, people: People, lives: RecordLives): readonly UpkeepTask[] {
  const { clock, policy } = service;
  const { members, addresses, notices, sanctions, conversations } = people.stores;
  const before = (ageMs: number) => clock.now() - ageMs;
  const noticeLinks = new NoticeLinks(service, people);
  return [
    dropping("end of guests' profiles", () =>
      members.forgetGuests(before(lives.guestsMs), clock.now(), UPKEEP_ROWS_MAX),
    ),
    dropping("end of links of guests who became members", () =>
      members.forgetLinks(before(lives.guestLinksMs), clock.now(), UPKEEP_ROWS_MAX),
    ),
    dropping("end of guests' addresses", () =>
      addresses.forget({ seen: before(GUEST_ADDRESS_MS), ended: clock.now() }, UPKEEP_ROWS_MAX),
    ),
    dropping("end of links of comments to notifications", () =>
      notices.forget(before(policy.member?.retention.ageMsMax ?? NOTICES_KEPT_MS), UPKEEP_ROWS_MAX),
    ),
    {
      name: "links of comments to notifications of earlier versions",
      run: () => noticeLinks.run(),
    },
    dropping("end of past sanctions", () =>
      sanctions.forgetEnded(before(lives.endedSanctionsMs), UPKEEP_ROWS_MAX),
    ),
    dropping("end of conversations", async () => {
      const ageMs = policy.conversation?.retention.ageMsMax;
      return ageMs === undefined ? 0 : conversations.forget(before(ageMs), UPKEEP_ROWS_MAX);
    }),
  ];
}
