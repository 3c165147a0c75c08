/** `GET /v1/videos`, `GET`, `PUT`, `DELETE /v1/videos/{id}`. */

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
import type { z } from "zod";
import { identify, mayManage, requireSight, requireVideo, videoOf } from "../access.ts";
import { readBody } from "../body.ts";
import { CoalescedReads } from "../coalesced-reads.ts";
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
import type { Service } from "../service.ts";
import { deleteVideo } from "./video-deletion.ts";
import { presentVideo, presentVideos } from "./video-presenter.ts";
import { type ListPlace, type StoredVideo, unusedVideo, type VideoChanges } from "./video-store.ts";

export function createVideoRoutes(service: Service): readonly Route[] {
  const { store, clock, steady, likes, commentCounts, directory } = service;
  const single = new CoalescedReads<string>(steady);
  const lists = new CoalescedReads<readonly StoredVideo[]>(steady);

  async function list(request: HttpRequest): Promise<RouteAnswer> {
    const identity = await identify(service, request);
    const parameters = new URL(request.url).searchParams;
    const limit = limitOf(parameters.get("limit"));
    const { videos, next } = await readList(identity, limit, placeOf(parameters.get("cursor")));
    const body = {
      videos: await presentVideos(service, videos),
      ...(next === undefined ? {} : { next }),
    };
    return jsonAnswer(JSON.stringify(body));
  }

  /** Private videos do not shorten the page; after LIST_READS_MAX reads it has `next`. */
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

  /** Includes videos first used just now; a second later where very many are pending. */
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
      // Under `--videos any` a video without a row exists: it waits for its first use.
      return presentVideo(service, video ?? unusedVideo(named.id, clock.now()), named);
    });
    return jsonAnswer(body);
  }

  async function put(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const named = videoOf(context);
    const identity = await identify(service, request);
    if (identity === undefined) throw new Problem("token-missing");
    if (!mayManage(identity, named)) throw new Problem("forbidden");
    const body = await readBody(request, videoChanges, VIDEO_BODY_BYTES_MAX);
    const video = await store.put(named.id, changesOf(body), clock.now());
    directory.forget(named.id);
    return jsonAnswer(await presentVideo(service, video, named));
  }

  return [
    { method: "GET", path: "/v1/videos", handle: list },
    { method: "GET", path: "/v1/videos/:id", handle: get },
    { method: "PUT", path: "/v1/videos/:id", handle: put },
    {
      method: "DELETE",
      path: "/v1/videos/:id",
      handle: (request, context) => remove(service, request, context),
    },
  ];
}

async function remove(
  service: Service,
  request: HttpRequest,
  context: RouteContext,
): Promise<RouteAnswer> {
  const named = videoOf(context);
  const identity = await identify(service, request);
  if (identity === undefined) throw new Problem("token-missing");
  if (!mayManage(identity, named)) throw new Problem("forbidden");
  const { exists } = await service.directory.settings(named.id);
  if (!exists) throw new Problem("unknown-video");
  await deleteVideo(service, named);
  return jsonAnswer(JSON.stringify({ id: named.id, deleted: true }));
}

function changesOf(body: z.infer<typeof videoChanges>): VideoChanges {
  return {
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
}

function limitOf(text: string | null): number {
  if (text === null) return VIDEO_LIST_DEFAULT;
  const limit = parseSeq(text);
  if (limit === undefined || limit === 0)
    throw new Problem("invalid-parameter", "limit is a number from 1");
  return Math.min(limit, VIDEO_LIST_MAX);
}

/** A cursor of the list. Videos move in it, so a page may repeat or miss one that moved. */
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
