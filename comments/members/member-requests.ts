/** What the routes between members share. */

import type { HttpRequest, Identity, RouteContext } from "@ovation/protocol";
import { memberOf, requireAddressRate, requireMember, requireRate } from "../requests/access.ts";
import type { Service } from "../service.ts";
import type { Profile } from "./member-stores.ts";

/** The member of the token, and the member that the path names. */
export async function pairOf(
  service: Service,
  request: HttpRequest,
  context: RouteContext,
): Promise<{ identity: Identity; other: string }> {
  const other = memberOf(context);
  return { identity: await requireMember(service, request), other };
}

/** The rate of requests that the page of a member sends by itself. */
export async function requireOwnRate(
  service: Service,
  identity: Identity,
  context: RouteContext,
): Promise<void> {
  await requireAddressRate(service, "own", context, service.rules.membersPerAddress);
  await requireRate(service, `own ${identity.sub}`, service.rules.membersPerMember);
}

/** A member as lists show it. */
export function personOf(id: string, profile: Profile | undefined) {
  return {
    id,
    name: profile?.name ?? id,
    ...(profile?.avatar === undefined ? {} : { avatar: profile.avatar }),
  };
}
