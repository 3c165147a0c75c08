/** `GET /v1/notifications`: what one was told, for those who were away. */

import {
  HISTORY_PAGE_DEFAULT,
  HISTORY_PAGE_MAX,
  type HttpRequest,
  jsonAnswer,
  type Route,
  type RouteAnswer,
  topicOf,
} from "@ovation/protocol";
import { requireMember } from "../../requests/access.ts";
import { pageOf } from "../../requests/parameters.ts";
import type { Service } from "../../service.ts";

export function createNotificationRoutes(service: Service): readonly Route[] {
  async function list(request: HttpRequest): Promise<RouteAnswer> {
    const identity = await requireMember(service, request);
    const page = pageOf(request, HISTORY_PAGE_DEFAULT, HISTORY_PAGE_MAX);
    const { events, head } = await service.log.read(topicOf("member", identity.sub), {
      ...page,
      types: ["notification"],
    });
    const notifications = events.map(
      ({ place, at, data }) => `{"seq":${place.seq},"at":${at},"data":${data}}`,
    );
    return jsonAnswer(`{"notifications":[${notifications.join(",")}],"head":${head.seq}}`);
  }

  return [{ method: "GET", path: "/v1/notifications", handle: list }];
}
