/**
 * Centrifugo's unidirectional SSE (`uni_sse.enabled`), subscribed by the connect command in the
 * URL, and its HTTP API with an API key. Channels need `allow_subscribe_for_client`.
 */
import type { OutgoingEvent, Target } from "./target.ts";

const COMMANDS_PER_REQUEST = 100;

export const centrifugo: Target = {
  name: "centrifugo",
  ready: "first-event",
  eventsPerRequestMax: COMMANDS_PER_REQUEST,

  connectPath(topics) {
    const subs = Object.fromEntries(topics.map((topic) => [topic, {}]));
    return `/connection/uni_sse?cf_connect=${encodeURIComponent(JSON.stringify({ subs }))}`;
  },

  publish(events, settings) {
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (settings.token !== undefined) headers["x-api-key"] = settings.token;
    return { path: "/api/batch", headers, body: JSON.stringify({ commands: events.map(command) }) };
  },
};

function command(event: OutgoingEvent): {
  publish: { channel: string; data: { mark: string; text: string } };
} {
  return { publish: { channel: event.topic, data: { mark: event.mark, text: event.filler } } };
}
