/** `PUT`, `DELETE /v1/members/{id}/sanction`, `GET /v1/sanctions`: time-outs and bans. */

import {
  type HttpRequest,
  type Identity,
  isTopicId,
  jsonAnswer,
  mayModerate,
  Problem,
  type Route,
  type RouteAnswer,
  type RouteContext,
  topicOf,
  VIEWER_BODY_BYTES_MAX,
} from "@ovation/protocol";
import {
  ADDRESS_SANCTION_MS_MAX,
  GUEST_ADDRESS_MS,
  REASON_CODE_POINTS_MAX,
  SANCTIONS_MAX,
} from "../../limits.ts";
import { cleanLine } from "../../names/text.ts";
import { isStaff, memberOf, requireMember, requireUnsanctioned } from "../../requests/access.ts";
import { readBody } from "../../requests/body.ts";
import { cursorOf, cursorText, parameterOf } from "../../requests/parameters.ts";
import { sanction as sanctionForm } from "../../requests/schemas.ts";
import type { NamedVideo, People, Service } from "../../service.ts";
import type { Sanction } from "../member-stores.ts";
import { type Notification, notificationEntry } from "../notifications/notifications.ts";

export function createSanctionRoutes(service: Service, people: People): readonly Route[] {
  const { clock } = service;

  async function put(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const member = memberOf(context);
    const identity = await requireMember(service, request);
    const form = await readBody(request, sanctionForm, VIEWER_BODY_BYTES_MAX);
    await requirePower(service, people, context, identity, member, form.video ?? "");
    const now = clock.now();
    if (form.kind === "time-out" && form.seconds === undefined)
      throw new Problem("invalid-body", "seconds: a time-out has an end");
    const sanction: Sanction = {
      member,
      video: form.video ?? "",
      kind: form.kind,
      until: form.seconds === undefined ? null : now + form.seconds * 1_000,
      reason: form.reason === undefined ? "" : cleanLine(form.reason, REASON_CODE_POINTS_MAX),
      at: now,
      by: identity.sub,
    };
    await people.stores.sanctions.put(sanction);
    people.directory.forget(member);
    await sanctionAddress(service, people, sanction);
    await service.writer.write([notificationEntry(member, noticeOf(sanction), now)]);
    return jsonAnswer(JSON.stringify(publicForm(sanction)));
  }

  async function remove(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const member = memberOf(context);
    const identity = await requireMember(service, request);
    const video = videoParameter(request);
    await requirePower(service, people, context, identity, member, video);
    const removed = await people.stores.sanctions.remove(member, video);
    people.directory.forget(member);
    for (const address of await people.stores.addresses.remove(member, video))
      people.directory.forgetAddress(address);
    if (removed) {
      const notice: Notification = { kind: "restored", ...(video === "" ? {} : { video }) };
      await service.writer.write([notificationEntry(member, notice, clock.now())]);
    }
    return jsonAnswer(JSON.stringify({ removed }));
  }

  async function list(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const identity = await requireMember(service, request);
    const video = videoParameter(request);
    requirePlace(identity, video);
    await requireUnsanctioned(service, context, identity, placeOf(video));
    const limit = Math.min(parameterOf(request, "limit", 1) ?? SANCTIONS_MAX, SANCTIONS_MAX);
    const rows = await people.stores.sanctions.list(
      video,
      clock.now(),
      limit + 1,
      cursorOf(request),
    );
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return jsonAnswer(
      JSON.stringify({
        sanctions: page.map((each) => ({ ...publicForm(each), by: each.by })),
        ...(last === undefined ? {} : { next: cursorText({ at: last.at, id: last.member }) }),
      }),
    );
  }

  return [
    { method: "PUT", path: "/v1/members/:id/sanction", handle: put },
    { method: "DELETE", path: "/v1/members/:id/sanction", handle: remove },
    { method: "GET", path: "/v1/sanctions", handle: list },
  ];
}

/** The sanction covers the guests of the address from which the member wrote last. */
async function sanctionAddress(
  { clock }: Service,
  people: People,
  { member, video, until }: Sanction,
): Promise<void> {
  const now = clock.now();
  const { addresses } = people.stores;
  const address = await addresses.addressOf(member, now - GUEST_ADDRESS_MS);
  if (address === undefined) return;
  const longest = now + ADDRESS_SANCTION_MS_MAX;
  await addresses.put({
    address,
    video,
    guest: member,
    until: Math.min(until ?? longest, longest),
  });
  people.directory.forgetAddress(address);
}

/** Moderators act on viewers, hosts on moderators too, and no member on itself. */
async function requirePower(
  service: Service,
  people: People,
  context: RouteContext,
  identity: Identity,
  member: string,
  video: string,
): Promise<void> {
  requirePlace(identity, video);
  await requireUnsanctioned(service, context, identity, placeOf(video));
  if (identity.sub === member) throw new Problem("forbidden", "You cannot sanction yourself");
  const profile = (await people.stores.members.profiles([member])).get(member);
  if ((people.staff.has(member) || isStaff(profile?.role)) && identity.role !== "host")
    throw new Problem("forbidden", "Only a host may do this to a moderator");
}

function requirePlace(identity: Identity, video: string): void {
  if (!(video === "" ? isStaff(identity.role) : mayModerate(identity, video)))
    throw new Problem("forbidden");
}

function placeOf(video: string): NamedVideo | undefined {
  return video === "" ? undefined : { id: video, topic: topicOf("video", video) };
}

function videoParameter(request: HttpRequest): string {
  const video = new URL(request.url).searchParams.get("video") ?? "";
  if (video !== "" && !isTopicId(video)) throw new Problem("invalid-id");
  return video;
}

/** Without the moderator: the sanctioned member must not learn who it was. */
function publicForm({ member, video, kind, until, reason, at }: Sanction) {
  return {
    member,
    ...(video === "" ? {} : { video }),
    kind,
    ...(until === null ? {} : { until }),
    ...(reason === "" ? {} : { reason }),
    at,
  };
}

function noticeOf({ video, kind, until, reason }: Sanction): Notification {
  const common = { ...(video === "" ? {} : { video }), ...(reason === "" ? {} : { reason }) };
  if (kind === "time-out" && until !== null) return { kind: "timed-out", until, ...common };
  return { kind: "banned", ...(until === null ? {} : { until }), ...common };
}
