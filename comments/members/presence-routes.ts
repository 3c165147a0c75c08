/** `GET /v1/members/{id}/presence`, and the `presence` events of a change. */

import {
  type Identity,
  jsonAnswer,
  Problem,
  type ProblemCode,
  type Route,
  type RouteContext,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import { PRESENCE_AUDIENCE_MAX } from "../limits.ts";
import { memberOf, requireMember } from "../requests/access.ts";
import type { People, Service } from "../service.ts";
import { requireMayWrite } from "./message-rules.ts";
import type { Presence, PresenceStatus } from "./presence.ts";

export function createPresenceRoutes(
  service: Service,
  people: People,
  presence: Presence,
): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/v1/members/:id/presence",
      async handle(request, context) {
        const member = memberOf(context);
        const identity = await requireMember(service, request);
        if (identity.sub !== member)
          await requireMaySee(service, context, people, identity, member);
        const [status] = await presence.status([member]);
        return jsonAnswer(JSON.stringify({ member, ...(status ?? { online: false }) }));
      },
    },
  ];
}

/** A member with a time-out or a ban does not write; what they may see stays as it was. */
const MAY_NOT_WRITE: ReadonlySet<ProblemCode> = new Set(["forbidden", "timed-out", "banned"]);

/** Those who may write to a member, and those who have a conversation with them, unless blocked. */
async function requireMaySee(
  service: Service,
  context: RouteContext,
  people: People,
  identity: Identity,
  member: string,
): Promise<void> {
  try {
    await requireMayWrite(service, context, people, identity, member);
  } catch (error) {
    const blocked = (await people.stores.blocks.between(identity.sub, member)).length > 0;
    if (blocked || !(error instanceof Problem) || !MAY_NOT_WRITE.has(error.code)) throw error;
    if ((await people.stores.conversations.find(identity.sub, member)) === undefined) throw error;
  }
}

/** To the partners of the newest conversations that are online themselves. */
export async function tellPresence(
  service: Service,
  people: People,
  presence: Presence,
  member: string,
  status: PresenceStatus,
): Promise<void> {
  const partners = (await people.stores.conversations.list(member, PRESENCE_AUDIENCE_MAX)).map(
    ({ other }) => other,
  );
  if (partners.length === 0) return;
  const statuses = await presence.status(partners);
  const data = toJsonText({ member, ...status });
  for (const [index, partner] of partners.entries()) {
    if (statuses[index]?.online !== true) continue;
    if ((await people.stores.blocks.between(member, partner)).length > 0) continue;
    service.outbox.push({
      topic: topicOf("member", partner),
      type: "presence",
      at: service.clock.now(),
      data,
    });
  }
}
