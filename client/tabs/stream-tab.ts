/**
 * The stream of a page whose browser opens at most six connections to the server (HTTP/1.1): shared
 * with the other tabs where they can communicate. Where they cannot, a hidden tab closes its
 * connection, so that the visible tab has one. Loaded only there.
 */

import type { Stream, StreamEnvironment, StreamSink } from "../stream/stream.ts";
import { SharedStream } from "./stream-shared.ts";
import { YieldingStream } from "./stream-yielding.ts";
import { createBrowserTabGroup } from "./tab-group.ts";

export function createTabStream(environment: StreamEnvironment, sink: StreamSink): Stream {
  const group = createBrowserTabGroup();
  return group === undefined
    ? new YieldingStream(environment, sink)
    : new SharedStream(environment, sink, group);
}
