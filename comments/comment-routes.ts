/** `POST`, `GET /v1/videos/{id}/comments`, `DELETE …/{seq}`, `PUT /v1/videos/{id}/pin`. */

import {
  commentAudienceOf,
  HISTORY_PAGE_DEFAULT,
  HISTORY_PAGE_MAX,
  type HttpRequest,
  isTopicId,
  jsonAnswer,
  mayModerate,
  Problem,
  type Route,
  type RouteAnswer,
  type RouteContext,
  toJsonText,
  VIEWER_BODY_BYTES_MAX,
} from "@ovation/protocol";
import { authorOf } from "./comment.ts";
import { type CommentWriter, createCommentWriter } from "./comment-writer.ts";
import { CoalescedReads } from "./history/coalesced-reads.ts";
import { findComment, pinnedSeqOf, readHistory } from "./history/history.ts";
import { REASON_CODE_POINTS_MAX } from "./limits.ts";
import { withOwners } from "./members/guest-owners.ts";
import { retractNotices } from "./members/notifications/notice-retraction.ts";
import { currentId, notifyOfComment } from "./members/notifications/notifications.ts";
import { cleanLine } from "./names/text.ts";
import {
  identify,
  requireAddressRate,
  requireRate,
  requireSight,
  requireUnsanctioned,
  requireUsableVideo,
  requireVideo,
  requireWriter,
  videoOf,
  type Writer,
} from "./requests/access.ts";
import { readBody, readOptionalBody } from "./requests/body.ts";
import { type PageQuery, pageOf } from "./requests/parameters.ts";
import { newComment, parseSeq, pin, removal } from "./requests/schemas.ts";
import type { NamedVideo, Service } from "./service.ts";

export function createCommentRoutes(service: Service): readonly Route[] {
  const { log, rules } = service;
  const writer = createCommentWriter(service);
  const pages = new CoalescedReads<string>(service.steady);

  async function post(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const video = videoOf(context);
    const author = await requireWriter(service, request, video);
    if (!author.exempt) await requireCommentRate(service, context, author);
    const body = await readBody(request, newComment, VIEWER_BODY_BYTES_MAX);
    const text = cleanLine(body.text, service.textCodePointsMax);
    await requireOpen(service, context, video, author);
    await requireUnsanctioned(service, context, author.identity, video);
    const repliedTo =
      body.replyTo === undefined ? undefined : await findComment(log, video.topic, body.replyTo);
    // Last, so that a comment that is refused for another reason costs the author nothing.
    if (!author.exempt)
      await requireRate(service, `comment member ${author.identity.sub}`, rules.commentsPerMember);
    if (author.role === "guest")
      await service.names.requireFree(author.identity.name, author.identity.sub, video.topic);
    const written = await writer.write(video, author, { ...body, text });
    service.people?.directory.note(author.identity);
    if (!author.exempt)
      service.people?.directory.noteAddress(author.identity, service.hashAddress(context.address));
    if (!written.duplicate && (repliedTo !== undefined || text.includes("@"))) {
      const comment = {
        seq: written.seq,
        at: written.at,
        text,
        author: authorOf(author.identity, author.role),
      };
      service.background.run(() => notifyOfComment(service, video, comment, repliedTo));
    }
    return jsonAnswer(written.json, 201);
  }

  async function list(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const video = videoOf(context);
    requireSight(service, await identify(service, request), video.topic);
    await requireVideo(service, video);
    const query = pageOf(request, HISTORY_PAGE_DEFAULT, HISTORY_PAGE_MAX);
    const key = `${video.id} ${query.after ?? ""} ${query.before ?? ""} ${query.limit}`;
    return jsonAnswer(await pages.get(key, () => readPage(video, query)));
  }

  async function readPage(video: NamedVideo, query: PageQuery): Promise<string> {
    const page = await readHistory(log, video.topic, query);
    return JSON.stringify({ ...page, comments: await withOwners(service, page.comments) });
  }

  return [
    { method: "POST", path: "/v1/videos/:id/comments", handle: post },
    { method: "GET", path: "/v1/videos/:id/comments", handle: list },
    {
      method: "DELETE",
      path: "/v1/videos/:id/comments/:seq",
      handle: (request, context) => remove(service, writer, request, context),
    },
    {
      method: "PUT",
      path: "/v1/videos/:id/pin",
      handle: (request, context) => setPin(service, writer, request, context),
    },
  ];
}

/** A new guest costs one request, so the guests of an address share a smaller rate. */
async function requireCommentRate(
  service: Service,
  context: RouteContext,
  { role }: Writer,
): Promise<void> {
  if (role === "guest")
    await requireAddressRate(
      service,
      "guest comment",
      context,
      service.rules.guestCommentsPerAddress,
    );
  await requireAddressRate(service, "comment", context, service.rules.commentsPerAddress);
}

async function requireOpen(
  service: Service,
  context: RouteContext,
  video: NamedVideo,
  { identity, role, exempt }: Writer,
): Promise<void> {
  const settings = await requireUsableVideo(service, context, video, identity);
  if (exempt) return;
  const audience = commentAudienceOf(service.policy, video.topic);
  if (settings.closed || audience === "staff") throw new Problem("comments-closed");
  if (role === "guest" && audience === "members") throw new Problem("guests-off");
}

async function remove(
  service: Service,
  writer: CommentWriter,
  request: HttpRequest,
  context: RouteContext,
): Promise<RouteAnswer> {
  const video = videoOf(context);
  const seq = seqOf(context);
  const { identity } = await requireWriter(service, request, video);
  await requireVideo(service, video);
  const body = await readOptionalBody(request, removal, VIEWER_BODY_BYTES_MAX);
  const reason =
    body.reason === undefined ? undefined : cleanLine(body.reason, REASON_CODE_POINTS_MAX);
  const comment = await findComment(service.log, video.topic, seq, "with-removed");
  const author = await currentId(service, comment.author.id);
  const own = author === identity.sub;
  if (!own && !mayModerate(identity, video.id)) throw new Problem("forbidden");
  // A sanctioned moderator may remove only their own comments.
  if (!own) await requireUnsanctioned(service, context, identity, video);
  const notify = own || service.people === undefined || !isTopicId(author) ? undefined : author;
  if (comment.removed !== true) await writer.remove(video, comment, { reason, notify });
  // The repetition of a removal that was interrupted finishes it.
  else await retractNotices(service, video.id, seq);
  return jsonAnswer(JSON.stringify({ seq }));
}

async function setPin(
  service: Service,
  writer: CommentWriter,
  request: HttpRequest,
  context: RouteContext,
): Promise<RouteAnswer> {
  const video = videoOf(context);
  const { identity } = await requireWriter(service, request, video);
  if (!mayModerate(identity, video.id)) throw new Problem("forbidden");
  await requireUsableVideo(service, context, video, identity);
  await requireUnsanctioned(service, context, identity, video);
  const { seq } = await readBody(request, pin, VIEWER_BODY_BYTES_MAX);
  if (seq !== null) await findComment(service.log, video.topic, seq);
  if ((await pinnedSeqOf(service.log, video.topic)) !== seq)
    await writer.appendOwn(video, "pin", toJsonText({ seq }));
  return jsonAnswer(JSON.stringify({ seq }));
}

function seqOf(context: RouteContext): number {
  const seq = parseSeq(context.params.seq ?? "");
  if (seq === undefined || seq === 0)
    throw new Problem("invalid-id", "A comment's number is a positive integer");
  return seq;
}
