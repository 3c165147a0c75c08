/**
 * A removed comment's text leaves the notifications that quoted it. Who was told is noted before they
 * are; the notification itself is found in the member's topic, loses its text there, and the member's
 * devices hear of it by a durable `notification-removed` with its number.
 */

import { type Topic, toJsonText, topicOf } from "@ovation/protocol";
import { NOTICE_RETRACTIONS_AT_ONCE, NOTICE_SEARCH_MARGIN_MS } from "../limits.ts";
import type { Service } from "../service.ts";
import type { NoticedMember } from "./member-stores.ts";

const NOTIFICATION = ["notification"];
const SEARCH_PAGE = 200;

/** Of one comment; without a number, of all comments of the video. Twice is once. */
export async function retractNotices(service: Service, video: string, seq?: number): Promise<void> {
  const notices = service.people?.stores.notices;
  if (notices === undefined) return;
  for (;;) {
    const told = await notices.list(video, NOTICE_RETRACTIONS_AT_ONCE, seq);
    for (const each of told) {
      await retract(service, video, each);
      await notices.remove(video, each.seq, each.member);
    }
    if (told.length < NOTICE_RETRACTIONS_AT_ONCE) return;
  }
}

async function retract(service: Service, video: string, told: NoticedMember): Promise<void> {
  const topic = topicOf("member", told.member);
  for (const { seq, data } of await findNotices(service, topic, video, told)) {
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

/** From the newest back to the time of the comment: nobody was told of it before it was there. */
async function findNotices(service: Service, topic: Topic, video: string, told: NoticedMember) {
  const found: { readonly seq: number; readonly data: Record<string, unknown> }[] = [];
  let before = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const { events } = await service.log.read(topic, {
      before,
      limit: SEARCH_PAGE,
      types: NOTIFICATION,
    });
    for (const { place, data } of events) {
      const notice = JSON.parse(data) as Record<string, unknown>;
      const isQuote = notice.kind === "reply" || notice.kind === "mention";
      if (isQuote && notice.video === video && notice.seq === told.seq)
        found.push({ seq: place.seq, data: notice });
    }
    const oldest = events[0];
    if (oldest === undefined || events.length < SEARCH_PAGE) return found;
    if (oldest.at < told.at - NOTICE_SEARCH_MARGIN_MS) return found;
    before = oldest.place.seq;
  }
}
