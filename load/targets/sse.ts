/**
 * Any other server that sends what was posted as server-sent events: two path templates, one event
 * per request, the payload as the body.
 */
import { plainPayload, single, type Target, type TargetSettings } from "./target.ts";

const CONNECT_PATH = "/events?topic={topic}";
const PUBLISH_PATH = "/publish?topic={topic}";

export const sse: Target = {
  name: "sse",
  ready: "head",
  eventsPerRequestMax: 1,

  connectPath(topics, settings) {
    return fill(settings.connectPath ?? CONNECT_PATH, topics.join(","));
  },

  publish(events, settings: TargetSettings) {
    const event = single(events);
    const headers: Record<string, string> = { "content-type": "text/plain" };
    if (settings.token !== undefined) headers["authorization"] = `Bearer ${settings.token}`;
    return {
      path: fill(settings.publishPath ?? PUBLISH_PATH, event.topic),
      headers,
      body: plainPayload(event),
    };
  },
};

function fill(template: string, topic: string): string {
  return template.replaceAll("{topic}", encodeURIComponent(topic));
}
