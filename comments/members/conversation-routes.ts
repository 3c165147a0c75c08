/** `GET /v1/conversations`. */

import { type HttpRequest, jsonAnswer, type Route, type RouteAnswer } from "@ovation/protocol";
import { CONVERSATIONS_DEFAULT, CONVERSATIONS_MAX } from "../limits.ts";
import { requireMember } from "../requests/access.ts";
import { cursorOf, cursorText, parameterOf } from "../requests/parameters.ts";
import type { People, Service } from "../service.ts";
import { personOf } from "./member-requests.ts";

export function createConversationRoutes(service: Service, { stores }: People): readonly Route[] {
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

  return [{ method: "GET", path: "/v1/conversations", handle: conversations }];
}
