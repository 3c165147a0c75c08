/**
 * nginx with nchan: `GET /sub?id=…` and `POST /pub?id=…`. A connection to several topics asks for
 * `/sub?id=a,b`, which needs `nchan_channel_id_split_delimiter ","` in the configuration.
 */
import { plainPayload, single, type Target } from "./target.ts";

export const nchan: Target = {
  name: "nchan",
  ready: "head",
  eventsPerRequestMax: 1,

  connectPath(topics) {
    return `/sub?id=${topics.map(encodeURIComponent).join(",")}`;
  },

  publish(events) {
    const event = single(events);
    return {
      path: `/pub?id=${encodeURIComponent(event.topic)}`,
      headers: { "content-type": "text/plain" },
      body: plainPayload(event),
    };
  },
};
