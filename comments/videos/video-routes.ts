/** `GET /v1/videos`, `GET`, `PUT`, `DELETE /v1/videos/{id}`. */

import {
  type HttpRequest,
  jsonAnswer,
  Problem,
  type Route,
  type RouteAnswer,
  type RouteContext,
} from "@ovation/protocol";
import type { z } from "zod";
import { CoalescedReads } from "../history/coalesced-reads.ts";
import {
  DESCRIPTION_CODE_POINTS_MAX,
  TITLE_CODE_POINTS_MAX,
  VIDEO_BODY_BYTES_MAX,
  VIDEO_LIST_DEFAULT,
  VIDEO_LIST_MAX,
} from "../limits.ts";
import { cleanLine, cleanParagraphs } from "../names/text.ts";
import { identify, mayManage, requireSight, requireVideo, videoOf } from "../requests/access.ts";
import { readBody } from "../requests/body.ts";
import { parseSeq, videoChanges } from "../requests/schemas.ts";
import type { Service } from "../service.ts";
import { deleteVideo } from "./video-deletion.ts";
import { VideoList } from "./video-list.ts";
import { presentVideo, presentVideos } from "./video-presenter.ts";
import { unusedVideo, type VideoChanges } from "./video-store.ts";

export function createVideoRoutes(service: Service): readonly Route[] {
  const { store, clock, steady, commentCounts, directory } = service;
  const single = new CoalescedReads<string>(steady);
  const lists = new VideoList(service);

  async function list(request: HttpRequest): Promise<RouteAnswer> {
    const identity = await identify(service, request);
    const parameters = new URL(request.url).searchParams;
    const limit = limitOf(parameters.get("limit"));
    const { videos, next } = await lists.read(identity, limit, parameters.get("cursor"));
    const body = {
      videos: await presentVideos(service, videos),
      ...(next === undefined ? {} : { next }),
    };
    return jsonAnswer(JSON.stringify(body));
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
