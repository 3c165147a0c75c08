/** Ovation itself: `GET /v1/events`, `POST /v1/publish` as NDJSON (`docs/http-api.md`). */
import { PUBLISH_EVENTS_MAX } from "@ovation/protocol";
import type { OutgoingEvent, Target } from "./target.ts";

const TYPE = "load";
/**
 * Below the publishers' body limit with payloads of the usual size; larger batches gain nothing.
 */
const EVENTS_PER_REQUEST = Math.min(500, PUBLISH_EVENTS_MAX);

export const ovation: Target = {
  name: "ovation",
  ready: "first-event",
  eventsPerRequestMax: EVENTS_PER_REQUEST,

  connectPath(topics, { zstd }) {
    const named = topics.map((topic) => `topic=${encodeURIComponent(topic)}`).join("&");
    return `/v1/events?${named}${zstd === true ? "&encoding=zstd" : ""}`;
  },

  publish(events, settings) {
    const headers: Record<string, string> = { "content-type": "application/x-ndjson" };
    if (settings.token !== undefined) headers["authorization"] = `Bearer ${settings.token}`;
    return {
      path: "/v1/publish",
      headers,
      body: events.map((event) => line(event, settings.durable)).join("\n"),
    };
  },
};

function line(event: OutgoingEvent, durable: boolean): string {
  const data = `{"mark":"${event.mark}","text":"${event.filler}"}`;
  const lane = durable ? ',"durable":true' : "";
  return `{"topic":"${event.topic}","type":"${TYPE}","data":${data}${lane}}`;
}
