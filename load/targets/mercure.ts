/** A Mercure hub: `GET /.well-known/mercure?topic=…`, publishing by form with a publisher's JWT. */
import { plainPayload, single, type Target } from "./target.ts";

const HUB = "/.well-known/mercure";

export const mercure: Target = {
  name: "mercure",
  ready: "head",
  eventsPerRequestMax: 1,

  connectPath(topics) {
    return `${HUB}?${topics.map((topic) => `topic=${encodeURIComponent(topic)}`).join("&")}`;
  },

  publish(events, settings) {
    const event = single(events);
    const headers: Record<string, string> = { "content-type": "application/x-www-form-urlencoded" };
    if (settings.token !== undefined) headers["authorization"] = `Bearer ${settings.token}`;
    return {
      path: HUB,
      headers,
      body: new URLSearchParams({ topic: event.topic, data: plainPayload(event) }).toString(),
    };
  },
};
