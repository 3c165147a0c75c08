/** Blocks, and whether the inbox is open: `/v1/members/{id}/block`, `/v1/blocks`, `/v1/inbox`. */

import {
  type HttpRequest,
  jsonAnswer,
  Problem,
  type Route,
  type RouteAnswer,
  type RouteContext,
  VIEWER_BODY_BYTES_MAX,
} from "@ovation/protocol";
import { BLOCKS_MAX } from "../limits.ts";
import { requireMember } from "../requests/access.ts";
import { readBody } from "../requests/body.ts";
import { cursorOf, cursorText, parameterOf } from "../requests/parameters.ts";
import { inbox as inboxForm } from "../requests/schemas.ts";
import type { People, Service } from "../service.ts";
import { pairOf, personOf, requireOwnRate } from "./member-requests.ts";

export function createInboxRoutes(service: Service, { stores }: People): readonly Route[] {
  function block(blocked: boolean) {
    return async (request: HttpRequest, context: RouteContext): Promise<RouteAnswer> => {
      const { identity, other } = await pairOf(service, request, context);
      if (identity.sub === other) throw new Problem("forbidden", "This is you");
      await requireOwnRate(service, identity, context);
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
    await requireOwnRate(service, identity, context);
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
    { method: "PUT", path: "/v1/members/:id/block", handle: block(true) },
    { method: "DELETE", path: "/v1/members/:id/block", handle: block(false) },
    { method: "GET", path: "/v1/blocks", handle: blocks },
    { method: "GET", path: "/v1/inbox", handle: inbox },
    { method: "PUT", path: "/v1/inbox", handle: setInbox },
  ];
}
