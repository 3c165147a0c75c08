/** `GET /v1/videos`, `GET`, `PUT`, `DELETE /v1/videos/{id}`. */

import type { Head } from "@ovation/log";
import {
  type HttpRequest,
  type Identity,
  isTopicId,
  jsonAnswer,
  maySubscribe,
  Problem,
  type Route,
  type RouteAnswer,
  type RouteContext,
  topicOf,
} from "@ovation/protocol";
import { identify, mayManage, requireSight, requireVideo, videoOf } from "../access.ts";
import { readBody } from "../body.ts";
import { CoalescedReads } from "../coalesced-reads.ts";
import type { Comment } from "../comment.ts";
import { findComment, pinnedSeqOf } from "../history.ts";
import {
  DESCRIPTION_CODE_POINTS_MAX,
  LIST_FLUSH_VIDEOS_MAX,
  LIST_READS_MAX,
  TITLE_CODE_POINTS_MAX,
  VIDEO_BODY_BYTES_MAX,
  VIDEO_LIST_DEFAULT,
  VIDEO_LIST_MAX,
} from "../limits.ts";
import { cleanLine, cleanParagraphs } from "../names/text.ts";
import { parseSeq, videoChanges } from "../schemas.ts";
import type { NamedVideo, Service } from "../service.ts";
import { deleteVideo } from "./video-deletion.ts";
import { type ListPlace, type StoredVideo, unusedVideo, type VideoChanges } from "./video-store.ts";

export function createVideoRoutes(service: Service): readonly Route[] {
  const { store, log, clock, steady, likes, commentCounts, directory } = service;
  const single = new CoalescedReads<string>(steady);
  const lists = new CoalescedReads<readonly StoredVideo[]>(steady);

  /** Videos with events of which none was counted, as after an import, are counted first. */
  async function countNew(videos: readonly StoredVideo[], heads: readonly Head[]) {
    const isNew = ({ counted }: StoredVideo, index: number) =>
      counted === 0 && (heads[index]?.seq ?? 0) > 0;
    const ids = videos.filter(isNew).map(({ id }) => id);
    if (ids.length === 0) return videos;
    for (const id of ids) await commentCounts.catchUp(id);
    const counted = new Map<string, StoredVideo>();
    for (const video of await store.read(ids))
      if (video !== undefined) counted.set(video.id, video);
    return videos.map((video) => counted.get(video.id) ?? video);
  }

  /** The videos as answers, without what is read one by one. */
  async function present(stored: readonly StoredVideo[]) {
    const topics = stored.map((video) => topicOf("video", video.id));
    const [heads, viewers] = await Promise.all([log.heads(topics), service.viewers(topics)]);
    const videos = await countNew(stored, heads);
    return videos.map((video, index) => {
      const topic = topics[index];
      return {
        id: video.id,
        title: video.title === "" ? video.id : video.title,
        ...(video.description === "" ? {} : { description: video.description }),
        live: video.live,
        ...(video.closed ? { closed: true } : {}),
        viewers: topic === undefined ? 0 : (viewers.get(topic) ?? 0),
        likes: likes.totals(video.id, video.likes),
        comments: video.comments,
        head: heads[index]?.seq ?? 0,
        ...(video.media.length === 0 ? {} : { media: video.media }),
        ...(video.poster === "" ? {} : { poster: video.poster }),
      };
    });
  }

  async function presentOne(video: StoredVideo, named: NamedVideo): Promise<string> {
    const [[body], pinned] = await Promise.all([present([video]), readPinned(named)]);
    return JSON.stringify({ ...body, pinned });
  }

  async function readPinned({ topic }: NamedVideo): Promise<Comment | null> {
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

  async function list(request: HttpRequest): Promise<RouteAnswer> {
    const identity = await identify(service, request);
    const parameters = new URL(request.url).searchParams;
    const limit = limitOf(parameters.get("limit"));
    const { videos, next } = await readList(identity, limit, placeOf(parameters.get("cursor")));
    const body = { videos: await present(videos), ...(next === undefined ? {} : { next }) };
    return jsonAnswer(JSON.stringify(body));
  }

  /** Videos that the reader may not see do not shorten the page; past a bound it says where it stopped. */
  async function readList(
    identity: Identity | undefined,
    limit: number,
    start: ListPlace | undefined,
  ): Promise<{ readonly videos: readonly StoredVideo[]; readonly next?: string }> {
    const seen: StoredVideo[] = [];
    let from = start;
    for (let reads = 0; reads < LIST_READS_MAX; reads++) {
      const rows = await readRows(limit + 1, from);
      for (const [index, video] of rows.entries()) {
        if (maySubscribe(service.policy, identity, topicOf("video", video.id))) seen.push(video);
        if (seen.length < limit) continue;
        return { videos: seen, ...(index === rows.length - 1 ? {} : { next: placeText(video) }) };
      }
      from = rows.at(-1);
      if (from === undefined || rows.length <= limit) return { videos: seen };
    }
    return { videos: seen, ...(from === undefined ? {} : { next: placeText(from) }) };
  }

  /** A video that was just used for the first time is in the list; where very many are, a second late. */
  function readRows(limit: number, from: ListPlace | undefined): Promise<readonly StoredVideo[]> {
    const key = `${limit} ${from === undefined ? "" : placeText(from)}`;
    return lists.get(key, async () => {
      if (likes.waiting + commentCounts.waiting <= LIST_FLUSH_VIDEOS_MAX)
        await Promise.all([likes.flush(), commentCounts.flush()]);
      return store.list(limit, from);
    });
  }

  async function get(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const named = videoOf(context);
    requireSight(service, await identify(service, request), named.topic);
    await requireVideo(service, named);
    const body = await single.get(named.id, async () => {
      await commentCounts.catchUp(named.id);
      const [video] = await store.read([named.id]);
      // Under `--videos any` a video that nobody has used yet is one that waits for its first viewer.
      return presentOne(video ?? unusedVideo(named.id, clock.now()), named);
    });
    return jsonAnswer(body);
  }

  async function put(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const named = videoOf(context);
    const identity = await identify(service, request);
    if (identity === undefined) throw new Problem("token-missing");
    if (!mayManage(identity, named)) throw new Problem("forbidden");
    const body = await readBody(request, videoChanges, VIDEO_BODY_BYTES_MAX);
    const changes: VideoChanges = {
      ...(body.title === undefined
        ? {}
        : { title: body.title === null ? "" : cleanLine(body.title, TITLE_CODE_POINTS_MAX) }),
      ...(body.description === undefined
        ? {}
        : { description: cleanParagraphs(body.description ?? "", DESCRIPTION_CODE_POINTS_MAX) }),
      ...(body.live === undefined ? {} : { live: body.live }),
      ...(body.closed === undefined ? {} : { closed: body.closed }),
      ...(body.media === undefined ? {} : { media: body.media ?? [] }),
      ...(body.poster === undefined ? {} : { poster: body.poster ?? "" }),
    };
    const video = await store.put(named.id, changes, clock.now());
    directory.forget(named.id);
    return jsonAnswer(await presentOne(video, named));
  }

  async function remove(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const named = videoOf(context);
    const identity = await identify(service, request);
    if (identity === undefined) throw new Problem("token-missing");
    if (!mayManage(identity, named)) throw new Problem("forbidden");
    const { exists } = await directory.settings(named.id);
    if (!exists) throw new Problem("unknown-video");
    await deleteVideo(service, named);
    return jsonAnswer(JSON.stringify({ id: named.id, deleted: true }));
  }

  return [
    { method: "GET", path: "/v1/videos", handle: list },
    { method: "GET", path: "/v1/videos/:id", handle: get },
    { method: "PUT", path: "/v1/videos/:id", handle: put },
    { method: "DELETE", path: "/v1/videos/:id", handle: remove },
  ];
}

function limitOf(text: string | null): number {
  if (text === null) return VIDEO_LIST_DEFAULT;
  const limit = parseSeq(text);
  if (limit === undefined || limit === 0)
    throw new Problem("invalid-parameter", "limit is a number from 1");
  return Math.min(limit, VIDEO_LIST_MAX);
}

/** What `next` says of a place in the list. Videos move in it: a page may repeat or miss what moved. */
function placeText({ live, activeAt, id }: ListPlace): string {
  return `${live ? 1 : 0}.${activeAt}.${id}`;
}

function placeOf(text: string | null): ListPlace | undefined {
  if (text === null) return undefined;
  const [, live, at = "", id = ""] = /^([01])\.([0-9]+)\.(.+)$/.exec(text) ?? [];
  const activeAt = parseSeq(at);
  if (activeAt === undefined || !isTopicId(id))
    throw new Problem("invalid-parameter", "cursor is the `next` of an earlier answer");
  return { live: live === "1", activeAt, id };
}
