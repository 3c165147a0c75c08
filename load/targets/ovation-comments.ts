/**
 * Ovation, loaded with real comments, through the comments API, one per request. The topics are
 * `video:…`, and each connection receives them as `comment` events on the durable lane.
 */
import { ovation } from "./ovation.ts";
import { single, type Target } from "./target.ts";

export const ovationComments: Target = {
  name: "ovation-comments",
  ready: "first-event",
  eventsPerRequestMax: 1,
  connectPath: ovation.connectPath,

  publish(events, settings) {
    const event = single(events);
    const video = event.topic.slice(event.topic.indexOf(":") + 1);
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (settings.token !== undefined) headers["authorization"] = `Bearer ${settings.token}`;
    return {
      path: `/v1/videos/${encodeURIComponent(video)}/comments`,
      headers,
      body: JSON.stringify({ text: `${event.filler} ${event.mark}`.trim() }),
    };
  },
};
