/** `POST /v1/guests`: a token for a name. `POST /v1/guests/upgrade`: a guest becomes a member. */

import {
  GUEST_UPGRADED,
  type HttpRequest,
  jsonAnswer,
  NAME_CODE_POINTS_MAX,
  Problem,
  type Route,
  type RouteAnswer,
  type RouteContext,
  toJsonText,
  topicOf,
  VIEWER_BODY_BYTES_MAX,
} from "@ovation/protocol";
import { cleanGuestName } from "../names/text.ts";
import { requireAddressRate, requireMember } from "../requests/access.ts";
import { readBody } from "../requests/body.ts";
import { guest, guestUpgrade } from "../requests/schemas.ts";
import type { People, Service } from "../service.ts";
import type { Sanction } from "./member-stores.ts";

/** Makes guests; the tokens are `ovation/`'s. */
export interface Guests {
  issue(name: string): Promise<{
    readonly token: string;
    readonly member: { readonly id: string; readonly name: string };
  }>;
}

export function createGuestRoutes(service: Service, guests: Guests | undefined): readonly Route[] {
  async function issue(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    if (guests === undefined) throw new Problem("guests-off");
    await requireAddressRate(service, "guest", context, service.rules.guestsPerAddress);
    const { name, video } = await readBody(request, guest, VIEWER_BODY_BYTES_MAX);
    const clean = cleanGuestName(name, NAME_CODE_POINTS_MAX);
    const topic = video === undefined ? undefined : topicOf("video", video);
    await service.names.requireFree(clean, undefined, topic);
    const issued = await guests.issue(clean);
    service.metrics.guests.inc();
    return jsonAnswer(JSON.stringify(issued), 201);
  }
  return [{ method: "POST", path: "/v1/guests", handle: issue }];
}

export function createGuestUpgradeRoutes(service: Service, people: People): readonly Route[] {
  const { stores, directory } = people;

  /**
   * The header has the member's token, the body the guest's. The guest's comments become the
   * member's, its sanctions too, and its token becomes invalid. The first member to claim a guest
   * keeps it.
   */
  async function upgrade(request: HttpRequest, context: RouteContext): Promise<RouteAnswer> {
    await requireAddressRate(service, "guest", context, service.rules.guestsPerAddress);
    const identity = await requireMember(service, request);
    if (identity.role === "guest")
      throw new Problem("forbidden", "Sign in first: this is a guest's token");
    const { guestToken } = await readBody(request, guestUpgrade, VIEWER_BODY_BYTES_MAX);
    const asGuest = new Request("http://guest.invalid/", {
      headers: { authorization: `Bearer ${guestToken}` },
    });
    const was = await service.authenticate(asGuest);
    if (was === undefined || was.role !== "guest")
      throw new Problem("forbidden", "The token in the body is not a guest's");
    const owner = await stores.members.claimGuest(was.sub, identity.sub, service.clock.now());
    if (owner !== identity.sub)
      throw new Problem("forbidden", "This guest is another member already");
    await inheritSanctions(was.sub, identity.sub);
    directory.note(identity);
    await directory.flush();
    directory.forget(was.sub);
    await endStreams(was.sub);
    directory.forget(identity.sub);
    return jsonAnswer(
      JSON.stringify({ member: { id: identity.sub, name: identity.name }, guest: was.sub }),
    );
  }

  /** Once, however often the upgrade is repeated: frontends end what the guest's token opened. */
  async function endStreams(guestId: string): Promise<void> {
    await service.writer.write([
      {
        topic: topicOf("member", guestId),
        type: GUEST_UPGRADED,
        at: service.clock.now(),
        data: toJsonText({}),
        key: " upgraded",
      },
    ]);
  }

  /** What is in force for the guest is for the member, unless the member's own lasts longer. */
  async function inheritSanctions(guestId: string, member: string): Promise<void> {
    const now = service.clock.now();
    const own = new Map(
      (await stores.sanctions.of(member, now)).map((each) => [each.video, endOf(each)]),
    );
    for (const sanction of await stores.sanctions.of(guestId, now)) {
      if ((own.get(sanction.video) ?? 0) < endOf(sanction))
        await stores.sanctions.put({ ...sanction, member });
    }
  }

  return [{ method: "POST", path: "/v1/guests/upgrade", handle: upgrade }];
}

function endOf({ until }: Sanction): number {
  return until ?? Number.POSITIVE_INFINITY;
}
