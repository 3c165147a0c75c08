/**
 * The stream of a page whose browser opens at most six connections to the server (HTTP/1.1): shared
 * with the other tabs where they can communicate. Where they cannot, a hidden tab closes its
 * connection, so that the visible tab has one. Loaded only there.
 */

import {
  createStream,
  type Stream,
  type StreamEnvironment,
  type StreamSink,
} from "../stream/stream.ts";
import { createSharedStream } from "./stream-shared.ts";
import { createBrowserTabGroup } from "./tab-group.ts";

/** A tab hidden for this long closes its connection, ms. */
const HIDDEN_MS = 10_000;

export function createTabStream(environment: StreamEnvironment, sink: StreamSink): Stream {
  const group = createBrowserTabGroup();
  return group === undefined
    ? createYieldingStream(environment, sink)
    : createSharedStream(environment, sink, group);
}

/** A separate stream that a hidden page closes; missed events come when it is visible again. */
export function createYieldingStream(
  environment: StreamEnvironment,
  sink: StreamSink,
  page: Pick<Document, "visibilityState" | "addEventListener"> & EventTarget = document,
): Stream {
  const { clock } = environment;
  let cancelWait: (() => void) | undefined;
  const stream = createStream(environment, {
    ...sink,
    onState(state) {
      if (state.name === "connected") look();
      sink.onState(state);
    },
  });

  function look(): void {
    cancelWait?.();
    if (page.visibilityState === "hidden") cancelWait = clock.after(HIDDEN_MS, stream.sleep);
  }

  page.addEventListener("visibilitychange", look);
  return {
    ...stream,
    close() {
      cancelWait?.();
      page.removeEventListener("visibilitychange", look);
      stream.close();
    },
  };
}
