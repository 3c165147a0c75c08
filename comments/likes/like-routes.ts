/** `POST /v1/videos/{id}/likes`: no token needed; a token's own limits apply where there is one. */

import { jsonAnswer, type Route, VIEWER_BODY_BYTES_MAX } from "@ovation/protocol";
import {
  identify,
  isExempt,
  requireAddressRate,
  requireRate,
  requireSight,
  requireUnsanctioned,
  requireUsableVideo,
  videoOf,
} from "../requests/access.ts";
import { readBody } from "../requests/body.ts";
import { likesOf } from "../requests/schemas.ts";
import type { Service } from "../service.ts";

export function createLikeRoutes(service: Service, kinds: readonly string[]): readonly Route[] {
  const likes = likesOf(kinds);
  return [
    {
      method: "POST",
      path: "/v1/videos/:id/likes",
      async handle(request, context) {
        const video = videoOf(context);
        const identity = await identify(service, request);
        requireSight(service, identity, video.topic);
        const exempt = isExempt(identity, video);
        if (!exempt)
          await requireAddressRate(service, "like", context, service.rules.likesPerAddress);
        // Before anything is read from a database that may not answer.
        service.likes.assertAccepting();
        const { kind, count } = await readBody(request, likes, VIEWER_BODY_BYTES_MAX);
        await requireUsableVideo(service, context, video, identity);
        await requireUnsanctioned(service, context, identity, video);
        if (!exempt && identity !== undefined)
          await requireRate(service, `like member ${identity.sub}`, service.rules.likesPerMember);
        const total = await service.likes.like(video.id, kind, count);
        service.metrics.likes.inc(count);
        return jsonAnswer(JSON.stringify({ accepted: count, total }), 202);
      },
    },
  ];
}
