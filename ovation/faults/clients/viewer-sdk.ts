/** A viewer with the SDK, which reads with fetch as it does outside of browsers. */

import { type Client, createClient } from "@ovation/client";
import type { ViewerRecorder } from "../history/viewer-recorder.ts";
import type { FaultViewer, ViewerOptions } from "./viewer.ts";

/** Shorter than the default, so that a run sees more reconnects. */
const RETRY_MS = { first: 200, longest: 2000 };

export class SdkViewer implements FaultViewer {
  readonly recorder: ViewerRecorder;
  readonly #client: Client;

  constructor({ recorder, topics, url, token, random }: ViewerOptions) {
    this.recorder = recorder;
    this.#client = createClient({
      url,
      eventSource: "fetch",
      shareTabs: false,
      retryMs: RETRY_MS,
      random,
      ...(token === undefined ? {} : { token }),
    });
    this.#client.onState((state) => recorder.connected(state.name === "connected"));
    for (const topic of topics) {
      this.#client.subscribe(topic, {
        onEvent: ({ type, seq, data }) => {
          if (type !== "gap") recorder.event(topic, type, seq, data);
        },
        onSubscribed: ({ head }) => recorder.subscribed(topic, head),
        onGap: ({ lost }) => recorder.gap(topic, lost),
        onReset: ({ head }) => recorder.reset(topic, head),
      });
    }
  }

  leave(): void {
    this.recorder.leave();
    this.close();
  }

  close(): void {
    this.#client.close();
  }
}
