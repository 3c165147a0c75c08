/** Taps become numbers: at most one request per second and video, however fast the thumb. */

import { type Clock, LIKES_PER_REQUEST_MAX } from "@ovation/protocol";
import { LIKES_INTERVAL_MS, LIKES_WAITING_MAX } from "./limits.ts";
import type { ApiError } from "./requests/api-error.ts";
import type { SendRequest } from "./requests/request.ts";

interface Taps {
  readonly kind: string;
  readonly count: number;
}

/**
 * The first tap is sent at once, the next ones together a second later; taps over the limit of a
 * request wait for the next. A failed request is not retried, because the server may have counted
 * it; a rate-limited one is (nothing was counted).
 */
export class Likes {
  readonly #path: string;
  readonly #send: SendRequest;
  readonly #clock: Clock;
  readonly #pending = new Map<string, number>();
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  constructor(path: string, send: SendRequest, clock: Clock) {
    this.#path = path;
    this.#send = send;
    this.#clock = clock;
  }

  tap(kind: string, count: number): void {
    if (!(count >= 1)) return;
    this.#put(kind, Math.floor(count));
    if (this.#cancelTimer === undefined) this.#schedule();
  }

  /** Sends pending taps at once, at most one request per kind: the page may close in a moment. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (let kinds = this.#pending.size; kinds > 0; kinds--) {
      const taps = this.#take();
      if (taps !== undefined) this.#post(taps, true);
    }
    this.#pause();
  }

  #take(): Taps | undefined {
    for (const [kind, count] of this.#pending) {
      const taken = Math.min(count, LIKES_PER_REQUEST_MAX);
      // Deleted first, so that kinds take turns.
      this.#pending.delete(kind);
      if (count > taken) this.#pending.set(kind, count - taken);
      return { kind, count: taken };
    }
    return undefined;
  }

  #put(kind: string, count: number): void {
    const pending = (this.#pending.get(kind) ?? 0) + count;
    this.#pending.set(kind, Math.min(pending, LIKES_WAITING_MAX));
  }

  #post(body: Taps, keepalive: boolean): void {
    this.#send("POST", this.#path, { body, keepalive }).catch(
      ({ status, retryAfterMs = LIKES_INTERVAL_MS }: ApiError) => {
        if (status !== 429) return;
        this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + retryAfterMs);
        this.#cancelTimer?.();
        this.#put(body.kind, body.count);
        this.#schedule();
      },
    );
  }

  #pause(): void {
    this.#pausedUntil = this.#clock.now() + LIKES_INTERVAL_MS;
  }

  #schedule(): void {
    const waitMs = Math.max(0, this.#pausedUntil - this.#clock.now());
    this.#cancelTimer = this.#clock.after(waitMs, () => this.#run());
  }

  #run(): void {
    this.#cancelTimer = undefined;
    const taps = this.#take();
    if (taps === undefined) return;
    this.#post(taps, false);
    this.#pause();
    if (this.#pending.size > 0) this.#schedule();
  }
}
