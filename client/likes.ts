/** Taps become numbers: at most one request per second and video, however fast the thumb. */

import { type Clock, LIKES_PER_REQUEST_MAX } from "@ovation/protocol";
import type { ApiError } from "./api-error.ts";
import { LIKES_INTERVAL_MS, LIKES_WAITING_MAX } from "./limits.ts";
import type { SendRequest } from "./request.ts";

export interface Likes {
  tap(kind: string, count: number): void;
  /** Sends pending taps at once, at most one request per kind: the page may close in a moment. */
  flush(): void;
}

/**
 * The first tap leaves at once, the next ones together a second later; taps over the limit of a
 * request wait for the next. A failed request is not retried, because the server may have counted
 * it; a rate-limited one is (nothing was counted).
 */
export function createLikes(path: string, send: SendRequest, clock: Clock): Likes {
  const waiting = new Map<string, number>();
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let cancelTimer: (() => void) | undefined;

  function take(): { readonly kind: string; readonly count: number } | undefined {
    for (const [kind, count] of waiting) {
      const taken = Math.min(count, LIKES_PER_REQUEST_MAX);
      // Deleted first, so that kinds take turns.
      waiting.delete(kind);
      if (count > taken) waiting.set(kind, count - taken);
      return { kind, count: taken };
    }
    return undefined;
  }

  function put(kind: string, count: number): void {
    waiting.set(kind, Math.min((waiting.get(kind) ?? 0) + count, LIKES_WAITING_MAX));
  }

  function post(body: { readonly kind: string; readonly count: number }, keepalive: boolean): void {
    send("POST", path, { body, keepalive }).catch(({ status, retryAfterMs }: ApiError) => {
      if (status !== 429) return;
      pausedUntil = Math.max(pausedUntil, clock.now() + (retryAfterMs ?? LIKES_INTERVAL_MS));
      cancelTimer?.();
      put(body.kind, body.count);
      schedule();
    });
  }

  function schedule(): void {
    cancelTimer = clock.after(Math.max(0, pausedUntil - clock.now()), run);
  }

  function run(): void {
    cancelTimer = undefined;
    const body = take();
    if (body === undefined) return;
    post(body, false);
    pausedUntil = clock.now() + LIKES_INTERVAL_MS;
    if (waiting.size > 0) schedule();
  }

  return {
    tap(kind, count) {
      if (!(count >= 1)) return;
      put(kind, Math.floor(count));
      if (cancelTimer === undefined) schedule();
    },
    flush() {
      cancelTimer?.();
      cancelTimer = undefined;
      for (let kinds = waiting.size; kinds > 0; kinds--) {
        const body = take();
        if (body !== undefined) post(body, true);
      }
      pausedUntil = clock.now() + LIKES_INTERVAL_MS;
      if (waiting.size > 0) schedule();
    },
  };
}
