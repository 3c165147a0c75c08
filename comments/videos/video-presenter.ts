/** Videos as responses show them: the record with head, viewers, likes and pinned comment. */

import type { Head } from "@ovation/log";
import { Problem, topicOf } from "@ovation/protocol";
import type { Comment } from "../comment.ts";
import { findComment, pinnedSeqOf } from "../history/history.ts";
import type { NamedVideo, Service } from "../service.ts";
import type { StoredVideo } from "./video-store.ts";

/** After an import a video has events and no count: such videos are counted first. */
async function countNew(
  { store, commentCounts }: Service,
  videos: readonly StoredVideo[],
  heads: readonly Head[],
): Promise<readonly StoredVideo[]> {
  const isNew = ({ counted }: StoredVideo, index: number) =>
    counted === 0 && (heads[index]?.seq ?? 0) > 0;
  const ids = videos.filter(isNew).map(({ id }) => id);
  if (ids.length === 0) return videos;
  for (const id of ids) await commentCounts.catchUp(id);
  const counted = new Map<string, StoredVideo>();
  for (const video of await store.read(ids)) if (video !== undefined) counted.set(video.id, video);
  return videos.map((video) => counted.get(video.id) ?? video);
}

/** Videos as lists show them. */
export async function presentVideos(service: Service, stored: readonly StoredVideo[]) {
  const topics = stored.map((video) => topicOf("video", video.id));
  const [heads, viewers] = await Promise.all([service.log.heads(topics), service.viewers(topics)]);
  const videos = await countNew(service, stored, heads);
  return videos.map((video, index) => {
    const topic = topics[index];
    return {
      id: video.id,
      title: video.title === "" ? video.id : video.title,
      ...(video.description === "" ? {} : { description: video.description }),
      live: video.live,
      ...(video.closed ? { closed: true } : {}),
      viewers: topic === undefined ? 0 : (viewers.get(topic) ?? 0),
      likes: service.likes.totals(video.id, video.likes),
      comments: video.comments,
      head: heads[index]?.seq ?? 0,
      ...(video.media.length === 0 ? {} : { media: video.media }),
      ...(video.poster === "" ? {} : { poster: video.poster }),
    };
  });
}

export async function presentVideo(
  service: Service,
  video: StoredVideo,
  named: NamedVideo,
): Promise<string> {
  const [[body], pinned] = await Promise.all([
    presentVideos(service, [video]),
    readPinned(service, named),
  ]);
  return JSON.stringify({ ...body, pinned });
}

async function readPinned({ log }: Service, { topic }: NamedVideo): Promise<Comment | null> {
  const seq = await pinnedSeqOf(log, topic);
  if (seq === null) return null;
  try {
    return await findComment(log, topic, seq);
  } catch (error) {
    // Pinned and since removed, or past retention.
    if (error instanceof Problem && error.code === "unknown-comment") return null;
    throw error;
  }
}
