/**
 * The end of a video: its record is marked as deleted, a last durable event (`video-deleted`) tells
 * its viewers, and the log drops everything before that event.
 *
 * Another process may accept comments until its cached settings expire: the topic is cleared once
 * more after that. A crash in between leaves a deleted video whose events are still in the log,
 * where no route of the API reads them; a repeated deletion finishes it.
 */

import { toJsonText } from "@ovation/protocol";
import { VIDEO_SETTINGS_AGE_MS } from "../limits.ts";
import { retractNotices } from "../members/notifications/notice-retraction.ts";
import type { NamedVideo, Service } from "../service.ts";

export async function deleteVideo(service: Service, { id, topic }: NamedVideo): Promise<void> {
  const { store, directory, likes, clock, log } = service;
  await store.delete(id, clock.now());
  directory.forget(id);
  likes.forget(id);
  const closedAt = await closeTopic();
  service.background.run(() => retractNotices(service, id));
  clock.after(2 * VIDEO_SETTINGS_AGE_MS, () =>
    service.background.run(async () => {
      const [head] = await log.heads([topic]);
      const [video] = await store.read([id]);
      // Put again meanwhile: what follows belongs to the new video.
      if (video === undefined || video.deletedAt === null) return;
      if (head !== undefined && head.seq > closedAt) await closeTopic();
    }),
  );

  async function closeTopic(): Promise<number> {
    const [last] = await service.writer.write([
      { topic, type: "video-deleted", at: clock.now(), data: toJsonText({}) },
    ]);
    if (last === undefined) throw new Error("the log answered nothing for an entry");
    await log.clear(topic, last.place.seq);
    return last.place.seq;
  }
}
