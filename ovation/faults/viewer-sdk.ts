/** A viewer with the SDK, reading with fetch as it does outside of browsers. */

import { createClient } from "@ovation/client";
import type { FaultViewer, ViewerOptions } from "./viewer.ts";

/** Shorter than the default, so that a run sees more returns. */
const RETRY_MS = { first: 200, longest: 2000 };

export function startSdkViewer({
  recorder,
  topics,
  url,
  token,
  random,
}: ViewerOptions): FaultViewer {
  const client = createClient({
    url,
    eventSource: "fetch",
    shareTabs: false,
    retryMs: RETRY_MS,
    random,
    ...(token === undefined ? {} : { token }),
  });
  client.onState((state) => recorder.connected(state.name === "connected"));
  for (const topic of topics) {
    client.subscribe(topic, {
      onEvent: ({ type, seq, data }) => {
        if (type !== "gap") recorder.event(topic, type, seq, data);
      },
      onSubscribed: ({ head }) => recorder.subscribed(topic, head),
      onGap: ({ lost }) => recorder.gap(topic, lost),
      onReset: ({ head }) => recorder.reset(topic, head),
    });
  }
  return {
    recorder,
    close: () => client.close(),
    leave() {
      recorder.leave();
      client.close();
    },
  };
}
