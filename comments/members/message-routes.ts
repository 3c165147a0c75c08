/** Messages, receipts and typing between two members. */

import {
  HISTORY_PAGE_DEFAULT,
  HISTORY_PAGE_MAX,
  type HttpRequest,
  jsonAnswer,
  Problem,
  type Route,
  type RouteAnswer,
  type RouteContext,
  toJsonText,
  topicOf,
  VIEWER_BODY_BYTES_MAX,
} from "@ovation/protocol";
import { MESSAGE_CODE_POINTS_MAX, TYPING_MS } from "../limits.ts";
import { cleanParagraphs } from "../names/text.ts";
import {
  isStaff,
  requireAddressRate,
  requireRate,
  requireUnsanctioned,
} from "../requests/access.ts";
import { readBody, readOptionalBody } from "../requests/body.ts";
import { pageOf } from "../requests/parameters.ts";
import { newMessage, receipt, typing } from "../requests/schemas.ts";
import type { People, Service } from "../service.ts";
import { pairOf, requireOwnRate } from "./member-requests.ts";
import { requireMayWrite } from "./message-rules.ts";
import { appendReceipt, conversationTopic, messageOf, sendMessage } from "./messages.ts";

export function createMessageRoutes(service: Service, people: People): readonly Route[] {
  const { stores, directory } = people;
  const { rules } = service;

  async function send(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    const { identity, other } = await pairOf(service, request, context);
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
    const { identity, other } = await pairOf(service, request, context);
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
    const { identity, other } = await pairOf(service, request, context);
    const body = await readBody(request, receipt, VIEWER_BODY_BYTES_MAX);
    await requireOwnRate(service, identity, context);
    // The other member gets the receipt, so a sanctioned member may not send it.
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

  return [
    { method: "POST", path: "/v1/members/:id/messages", handle: send },
    { method: "GET", path: "/v1/members/:id/messages", handle: history },
    { method: "POST", path: "/v1/members/:id/receipts", handle: sendReceipt },
    {
      method: "POST",
      path: "/v1/members/:id/typing",
      handle: (request, context) => sendTyping(service, people, request, context),
    },
  ];
}

async function sendTyping(
  service: Service,
  people: People,
  request: HttpRequest,
  context: RouteContext,
): Promise<RouteAnswer> {
  const { identity, other } = await pairOf(service, request, context);
  const body = await readOptionalBody(request, typing, VIEWER_BODY_BYTES_MAX);
  await requireAddressRate(service, "typing", context, service.rules.typingPerAddress);
  await requireRate(service, `typing ${identity.sub}`, service.rules.typingPerMember);
  await requireMayWrite(service, context, people, identity, other);
  // A page that shows it hides it after `forMs`, also where the end does not arrive.
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
