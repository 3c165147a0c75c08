/**
 * Durable `notification` events on the topic of a member: a removal of their comment, a mention, a
 * reply, a sanction.
 *
 * Those of a removal or a sanction are appended with it or right after it. Mentions and replies
 * follow the comment: a crash in between loses the notification, never the comment.
 */

import type { LogEntry } from "@ovation/log";
import { isTopicId, toJsonText, topicOf } from "@ovation/protocol";
import type { Comment } from "../../comment.ts";
import { findComment } from "../../history/history.ts";
import type { NamedVideo, Service } from "../../service.ts";
import { findMentioned } from "./mentions.ts";
import { retractNotices } from "./notice-retraction.ts";

interface Person {
  readonly id: string;
  readonly name: string;
}

/** `data` of a `notification` event. `video` is absent where it concerns the whole site. */
export type Notification =
  | {
      readonly kind: "comment-removed";
      readonly video: string;
      readonly seq: number;
      readonly reason?: string;
    }
  | {
      readonly kind: "reply" | "mention";
      readonly video: string;
      readonly seq: number;
      readonly from: Person;
      readonly text: string;
    }
  | {
      readonly kind: "timed-out";
      readonly video?: string;
      readonly until: number;
      readonly reason?: string;
    }
  | {
      readonly kind: "banned";
      readonly video?: string;
      readonly until?: number;
      readonly reason?: string;
    }
  | { readonly kind: "restored"; readonly video?: string };

/** `key` makes the same notification come once only. */
export function notificationEntry(
  member: string,
  notification: Notification,
  at: number,
  key?: string,
): LogEntry {
  return {
    topic: topicOf("member", member),
    type: "notification",
    at,
    data: toJsonText(notification),
    // No member's key begins with a space.
    ...(key === undefined ? {} : { key: ` ${key}` }),
  };
}

/** Tells those whom the comment answers or names. Rejects where the log or the store does. */
export async function notifyOfComment(
  service: Service,
  video: NamedVideo,
  comment: Comment,
  repliedTo: Comment | undefined,
): Promise<void> {
  const mentioned = await findMentioned(service.log, video.topic, comment);
  const told = new Map<string, "reply" | "mention">();
  for (const id of mentioned) told.set(id, "mention");
  if (repliedTo !== undefined) told.set(repliedTo.author.id, "reply");
  const { author, seq, text, at } = comment;
  const entries: LogEntry[] = [];
  const members: string[] = [];
  for (const [id, kind] of told) {
    const member = await currentId(service, id);
    if (!isTopicId(member) || member === author.id || (await isBlocked(service, member, author.id)))
      continue;
    const from = { id: author.id, name: author.name };
    members.push(member);
    entries.push(
      notificationEntry(
        member,
        { kind, video: video.id, seq, from, text },
        at,
        `${kind} ${video.id} ${seq}`,
      ),
    );
  }
  if (entries.length === 0) return;
  await service.people?.stores.notices.note({ video: video.id, seq, members, at });
  await service.writer.write(entries);
  // A removal that came meanwhile found nothing to take back.
  if ((await findComment(service.log, video.topic, seq, "with-removed")).removed === true)
    await retractNotices(service, video.id, seq);
}

async function isBlocked(service: Service, member: string, by: string): Promise<boolean> {
  return (await service.people?.stores.blocks.between(member, by))?.includes(member) ?? false;
}

/** A guest who has become a member is told as that member. */
export async function currentId(service: Service, id: string): Promise<string> {
  // A server may publish comments of authors whose id is not valid here.
  return isTopicId(id) ? ((await service.people?.directory.ownerOf(id)) ?? id) : id;
}
