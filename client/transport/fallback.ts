/**
 * Decides whether the next attempt is a stream or a poll. Some proxies and virus scanners buffer an
 * event stream until it ends; others break it. Both let requests with an end pass.
 */

import type { Clock } from "@ovation/protocol";
import { POLL_MS, SILENT_STREAMS_MAX } from "../limits.ts";

export interface Fallback {
  readonly polls: boolean;
  /** The attempt ended, or was aborted, without an event. */
  silent(): void;
  /** The stream was open for so long without its first event that it is probably buffered. */
  heldBack(): void;
  /** The first event arrived. A polling connection calls `tryStream` after a while. */
  opened(tryStream: () => void): void;
  /** The connection is closed. */
  ended(): void;
  /** Another network: its proxies may differ. */
  forget(): void;
}

export function createFallback(clock: Clock, random: () => number): Fallback {
  let polls = false;
  let silentStreams = 0;
  let pollForMs: number = POLL_MS.first;
  /** When to try a stream. Polls that meet another server each time open a connection each time. */
  let pollsUntil: number | undefined;
  let cancel: (() => void) | undefined;

  function forget(): void {
    polls = false;
    silentStreams = 0;
    pollsUntil = undefined;
    pollForMs = POLL_MS.first;
  }

  return {
    get polls() {
      return polls;
    },
    silent() {
      // A poll without a response either: the stream is not the cause.
      if (polls) silentStreams = 0;
      else silentStreams++;
      polls = silentStreams >= SILENT_STREAMS_MAX;
      pollsUntil = undefined;
    },
    heldBack() {
      polls = true;
    },
    opened(tryStream) {
      if (!polls) {
        forget();
        return;
      }
      const waitMs = pollForMs * (1 + random() / 2);
      const now = clock.now();
      // A clock that was put back prolongs nothing.
      pollsUntil = Math.min(pollsUntil ?? Number.POSITIVE_INFINITY, now + waitMs);
      cancel?.();
      cancel = clock.after(Math.max(0, pollsUntil - now), () => {
        pollForMs = Math.min(pollForMs * 2, POLL_MS.longest);
        polls = false;
        silentStreams = 0;
        pollsUntil = undefined;
        tryStream();
      });
    },
    ended() {
      cancel?.();
      cancel = undefined;
    },
    forget,
  };
}
