/**
 * A removal takes the text out of the notifications that quote the comment. A link from the
 * comment to each notified member is stored before the notification. The removal finds it in the
 * member's topic; a durable `notification-removed` with its number tells the member's devices.
 *
 * Notifications of versions without links: a removal derives from the comment who may have been
 * notified, and `notice-links.ts` adds the missing links once.
 */

import { isTopicId, Problem, type Topic, toJsonText, topicOf } from "@ovation/protocol";
import type { Comment } from "../../comment.ts";
import { findComment } from "../../history/history.ts";
import {
  NOTICE_RETRACTIONS_AT_ONCE,
  NOTICE_SEARCH_MARGIN_MS,
  NOTICE_SEARCH_PAGE,
} from "../../limits.ts";
import type { NamedVideo, Service } from "../../service.ts";
import type { NoticedMember } from "../member-stores.ts";
import { findPossiblyMentioned } from "./mentions.ts";

export const NOTIFICATION = ["notification"];

/** A notification that quotes a comment. */
export interface Quote {
  readonly video: string;
  /** The comment's number. */
  readonly seq: number;
  readonly isRetracted: boolean;
}

/** Undefined where the notification quotes no comment. */
export function quoteOf(notice: Readonly<Record<string, unknown>>): Quote | undefined {
  const { kind, video, seq, removed } = notice;
  if (kind !== "reply" && kind !== "mention") return undefined;
  if (typeof video !== "string" || !isTopicId(video)) return undefined;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 1) return undefined;
  return { video, seq, isRetracted: removed === true };
}

/** Of one comment; without a number, of all comments of the video. Repeating it changes nothing. */
export async function retractNotices(service: Service, video: string, seq?: number): Promise<void> {
  const notices = service.people?.stores.notices;
  if (notices === undefined) return;
  for (;;) {
    const notified = await notices.list(video, NOTICE_RETRACTIONS_AT_ONCE, seq);
    for (const each of notified) {
      await retract(service, video, each);
      await notices.remove(video, each.seq, each.member);
    }
    if (notified.length < NOTICE_RETRACTIONS_AT_ONCE) return;
  }
}

/** By the text of a comment that is not removed yet: the author it answers, and the mentioned. */
export async function findPossiblyNotified(
  service: Service,
  { topic }: NamedVideo,
  comment: Comment,
): Promise<readonly string[]> {
  if (service.people === undefined) return [];
  const ids = new Set(await findPossiblyMentioned(service.log, topic, comment));
  if (comment.replyTo !== undefined) {
    const answered = await findAuthor(service, topic, comment.replyTo);
    if (answered !== undefined) ids.add(answered);
  }
  ids.delete(comment.author.id);
  return [...ids].filter(isTopicId);
}

/** Also links the members that guests among them became. */
export async function linkPossiblyNotified(
  service: Service,
  video: string,
  { seq, at }: Comment,
  ids: readonly string[],
): Promise<void> {
  const stores = service.people?.stores;
  if (stores === undefined || ids.length === 0) return;
  const owners = await stores.members.ownersOf(ids);
  const members = [...new Set([...ids, ...owners.values()])];
  await stores.notices.note({ video, seq, members, at });
}

async function findAuthor(
  service: Service,
  topic: Topic,
  seq: number,
): Promise<string | undefined> {
  try {
    return (await findComment(service.log, topic, seq, "with-removed")).author.id;
  } catch (error) {
    // Past retention, as are the notifications of that time.
    if (error instanceof Problem && error.code === "unknown-comment") return undefined;
    throw error;
  }
}

async function retract(service: Service, video: string, notified: NoticedMember): Promise<void> {
  const topic = topicOf("member", notified.member);
  for (const { seq, data } of await findNotices(service, topic, video, notified)) {
    await service.writer.write([
      {
        topic,
        type: "notification-removed",
        at: service.clock.now(),
        data: toJsonText({ seq }),
        // No member's key begins with a space.
        key: ` retract ${seq}`,
        replace: { seq, data: toJsonText({ ...data, text: "", removed: true }) },
      },
    ]);
  }
}

/** From the newest back to the time of the comment: no notification of it is older. */
async function findNotices(
  service: Service,
  topic: Topic,
  video: string,
  { seq: commentSeq, at }: NoticedMember,
) {
  const found: { readonly seq: number; readonly data: Record<string, unknown> }[] = [];
  let before = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const { events } = await service.log.read(topic, {
      before,
      limit: NOTICE_SEARCH_PAGE,
      types: NOTIFICATION,
    });
    for (const { place, data } of events) {
      const notice = JSON.parse(data) as Record<string, unknown>;
      const quote = quoteOf(notice);
      if (quote?.video === video && quote.seq === commentSeq)
        found.push({ seq: place.seq, data: notice });
    }
    const oldest = events[0];
    if (oldest === undefined || events.length < NOTICE_SEARCH_PAGE) return found;
    if (oldest.at < at - NOTICE_SEARCH_MARGIN_MS) return found;
    before = oldest.place.seq;
  }
}
