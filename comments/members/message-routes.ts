/** Messages, receipts, typing, conversations and blocks: what members do with each other. */

import {
  HISTORY_PAGE_DEFAULT,
  HISTORY_PAGE_MAX,
  type HttpRequest,
  type Identity,
  jsonAnswer,
  Problem,
  type Route,
  type RouteAnswer,
  type RouteContext,
  toJsonText,
  topicOf,
  VIEWER_BODY_BYTES_MAX,
} from "@ovation/protocol";
import {
  isStaff,
  memberOf,
  requireAddressRate,
  requireMember,
  requireRate,
  requireUnsanctioned,
} from "../access.ts";
import { readBody, readOptionalBody } from "../body.ts";
import {
  BLOCKS_MAX,
  CONVERSATIONS_DEFAULT,
  CONVERSATIONS_MAX,
  MESSAGE_CODE_POINTS_MAX,
  TYPING_MS,
} from "../limits.ts";
import { cleanParagraphs } from "../names/text.ts";
import { cursorOf, cursorText, pageOf, parameterOf } from "../parameters.ts";
import { inbox as inboxForm, newMessage, receipt, typing } from "../schemas.ts";
import type { People, Service } from "../service.ts";
import type { Profile } from "./member-stores.ts";
import { requireMayWrite } from "./message-rules.ts";
import { appendReceipt, conversationTopic, messageOf, sendMessage } from "./messages.ts";

export function createMessageRoutes(service: Service, people: People): readonly Route[] {
  const { stores, directory } = people;
  const { rules } = service;

  /** The member who asks, and the other whom the path names. */
  async function pairOf(
    request: HttpRequest,
    context: RouteContext,
  ): Promise<{ identity: Identity; other: string }> {
    const other = memberOf(context);
    return { identity: await requireMember(service, request), other };
  }

  /** What a member's own page does by itself. */
  async function requireOwnRate(identity: Identity, context: RouteContext): Promise<void> {
    await requireAddressRate(service, "own", context, rules.membersPerAddress);
    await requireRate(service, `own ${identity.sub}`, rules.membersPerMember);
  }

  async function send(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const { identity, other } = await pairOf(request, context);
    const body = await readBody(request, newMessage, VIEWER_BODY_BYTES_MAX);
    const text = cleanParagraphs(body.text, MESSAGE_CODE_POINTS_MAX);
    if (text === "") throw new Problem("text-empty");
    await requireMayWrite(service, context, people, identity, other);
    if (!isStaff(identity.role)) {
      await requireAddressRate(service, "message", context, rules.messagesPerAddress);
      await requireRate(service, `message member ${identity.sub}`, rules.messagesPerMember);
    }
    directory.note(identity);
    if (!isStaff(identity.role))
      directory.noteAddress(identity, service.hashAddress(context.address));
    const sent = await sendMessage(service, people, identity, other, { ...body, text });
    service.metrics.messages.inc();
    return jsonAnswer(JSON.stringify(sent), 201);
  }

  async function history(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const { identity, other } = await pairOf(request, context);
    const page = pageOf(request, HISTORY_PAGE_DEFAULT, HISTORY_PAGE_MAX);
    const [read, conversation] = await Promise.all([
      service.log.read(conversationTopic(identity.sub, other), { ...page, types: ["message"] }),
      stores.conversations.find(identity.sub, other),
    ]);
    return jsonAnswer(
      JSON.stringify({
        messages: read.events.map(messageOf),
        head: read.head.seq,
        seen: conversation?.seen ?? 0,
        other: { seen: conversation?.otherSeen ?? 0, delivered: conversation?.otherDelivered ?? 0 },
      }),
    );
  }

  async function sendReceipt(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const { identity, other } = await pairOf(request, context);
    const body = await readBody(request, receipt, VIEWER_BODY_BYTES_MAX);
    await requireOwnRate(identity, context);
    // The other member is told of it: no sanctioned member sends that.
    await requireUnsanctioned(service, context, identity);
    const advanced = await stores.conversations.advance(identity.sub, other, {
      seen: body.seen ?? 0,
      delivered: body.delivered ?? 0,
    });
    if (advanced === undefined)
      throw new Problem("not-found", "There is no conversation with this member");
    const { seen, delivered, rose } = advanced;
    if (rose) await appendReceipt(service, identity, other, { seen, delivered });
    return jsonAnswer(JSON.stringify({ seen, delivered }));
  }

  async function sendTyping(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const { identity, other } = await pairOf(request, context);
    const body = await readOptionalBody(request, typing, VIEWER_BODY_BYTES_MAX);
    await requireAddressRate(service, "typing", context, rules.typingPerAddress);
    await requireRate(service, `typing ${identity.sub}`, rules.typingPerMember);
    await requireMayWrite(service, context, people, identity, other);
    // It ends by itself: whoever shows it forgets it after `forMs`, also when the end never arrives.
    const data = toJsonText({
      from: { id: identity.sub, name: identity.name },
      forMs: body.typing ? TYPING_MS : 0,
    });
    service.outbox.push({
      topic: topicOf("member", other),
      type: "typing",
      at: service.clock.now(),
      data,
    });
    return jsonAnswer('{"accepted":1}', 202);
  }

  async function conversations(request: HttpRequest): Promise<RouteAnswer> {
    const identity = await requireMember(service, request);
    const limit = Math.min(
      parameterOf(request, "limit", 1) ?? CONVERSATIONS_DEFAULT,
      CONVERSATIONS_MAX,
    );
    const before = parameterOf(request, "before", 0);
    const from = cursorOf(request) ?? (before === undefined ? undefined : { at: before, id: "" });
    const rows = await stores.conversations.list(identity.sub, limit + 1, from);
    const list = rows.slice(0, limit);
    const last = rows.length > limit ? list.at(-1) : undefined;
    const [profiles, unread] = await Promise.all([
      stores.members.profiles(
        list.map(({ other }) => other),
        "leave out",
      ),
      stores.conversations.unread(identity.sub),
    ]);
    const shown = list.map((each) => ({
      with: personOf(each.other, profiles.get(each.other)),
      last: { n: each.last, at: each.lastAt, from: each.lastFrom, text: each.lastText },
      unread: each.last - each.seen,
      seen: each.seen,
      other: { seen: each.otherSeen, delivered: each.otherDelivered },
    }));
    return jsonAnswer(
      JSON.stringify({
        conversations: shown,
        unread,
        ...(last === undefined ? {} : { next: cursorText({ at: last.lastAt, id: last.other }) }),
      }),
    );
  }

  function block(blocked: boolean) {
    return async (request: HttpRequest, context: RouteContext): Promise<RouteAnswer> => {
      const { identity, other } = await pairOf(request, context);
      if (identity.sub === other) throw new Problem("forbidden", "This is you");
      await requireOwnRate(identity, context);
      const blockers = blocked ? await stores.blocks.between(identity.sub, other) : [];
      // To block the same member twice is to block them once.
      if (blocked && !blockers.includes(identity.sub)) {
        if ((await stores.blocks.list(identity.sub, BLOCKS_MAX)).length >= BLOCKS_MAX)
          throw new Problem("forbidden", `At most ${BLOCKS_MAX} members can be blocked`);
      }
      await stores.blocks.set(identity.sub, other, blocked);
      return jsonAnswer(JSON.stringify({ blocked }));
    };
  }

  async function inbox(request: HttpRequest): Promise<RouteAnswer> {
    const identity = await requireMember(service, request);
    return jsonAnswer(JSON.stringify({ open: await stores.inboxes.isOpen(identity.sub) }));
  }

  async function setInbox(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const identity = await requireMember(service, request);
    await requireOwnRate(identity, context);
    const { open } = await readBody(request, inboxForm, VIEWER_BODY_BYTES_MAX);
    await stores.inboxes.setOpen(identity.sub, open);
    return jsonAnswer(JSON.stringify({ open }));
  }

  async function blocks(request: HttpRequest): Promise<RouteAnswer> {
    const identity = await requireMember(service, request);
    const limit = Math.min(parameterOf(request, "limit", 1) ?? BLOCKS_MAX, BLOCKS_MAX);
    const rows = await stores.blocks.list(identity.sub, limit + 1, cursorOf(request)?.id);
    const ids = rows.slice(0, limit);
    const last = rows.length > limit ? ids.at(-1) : undefined;
    const profiles = await stores.members.profiles(ids, "leave out");
    return jsonAnswer(
      JSON.stringify({
        members: ids.map((id) => personOf(id, profiles.get(id))),
        // The list is in the order of ids; a cursor has a time as well.
        ...(last === undefined ? {} : { next: cursorText({ at: 0, id: last }) }),
      }),
    );
  }

  return [
    { method: "POST", path: "/v1/members/:id/messages", handle: send },
    { method: "GET", path: "/v1/members/:id/messages", handle: history },
    { method: "POST", path: "/v1/members/:id/receipts", handle: sendReceipt },
    { method: "POST", path: "/v1/members/:id/typing", handle: sendTyping },
    { method: "PUT", path: "/v1/members/:id/block", handle: block(true) },
    { method: "DELETE", path: "/v1/members/:id/block", handle: block(false) },
    { method: "GET", path: "/v1/conversations", handle: conversations },
    { method: "GET", path: "/v1/blocks", handle: blocks },
    { method: "GET", path: "/v1/inbox", handle: inbox },
    { method: "PUT", path: "/v1/inbox", handle: setInbox },
  ];
}

function personOf(id: string, profile: Profile | undefined) {
  return {
    id,
    name: profile?.name ?? id,
    ...(profile?.avatar === undefined ? {} : { avatar: profile.avatar }),
  };
}
