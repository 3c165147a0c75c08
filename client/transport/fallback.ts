/**
 * Decides whether the next attempt is a stream or a poll. Some proxies and virus scanners buffer an
 * event stream until it ends; others break it. Both let requests with an end pass.
 */

import type { Clock } from "@ovation/protocol";
import { POLL_MS, SILENT_STREAMS_MAX } from "../limits.ts";
import { backoffMs } from "../requests/backoff.ts";

export class Fallback {
  readonly #clock: Clock;
  readonly #random: () => number;
  #polls = false;
  #silentStreams = 0;
  /** Streams tried, and failed, since polls began. */
  #triedStreams = 0;
  /** Polls began after streams without a response: the server may only have been down. */
  #suspectsServer = false;
  /** A stream was tried at once after a poll was answered. */
  #verified = false;
  /** When to try a stream. Polls that meet another server each time open a connection each time. */
  #pollsUntil: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether the next attempt is a poll. */
  get polls(): boolean {
    return this.#polls;
  }

  /** The attempt ended, or was aborted, without an event. `answered`: the server accepted it. */
  silent(answered: boolean): void {
    // A poll without a response either: the stream is not the cause.
    this.#silentStreams = this.#polls ? 0 : this.#silentStreams + 1;
    this.#polls = this.#silentStreams >= SILENT_STREAMS_MAX;
    this.#suspectsServer = !answered && !this.#verified;
    this.#pollsUntil = undefined;
  }

  /** The stream was open for so long without its first event that it is probably buffered. */
  heldBack(): void {
    this.#polls = true;
    this.#suspectsServer = false;
  }

  /**
   * The first event arrived. A polling connection calls `tryStream` after a while, and at once if
   * its streams may have failed because the server was down.
   */
  opened(tryStream: () => void): void {
    if (!this.#polls) {
      this.forget();
      return;
    }
    if (this.#suspectsServer) {
      this.#verify(tryStream);
      return;
    }
    const waitMs = backoffMs(this.#triedStreams, POLL_MS) * (1 + this.#random() / 2);
    const now = this.#clock.now();
    // A clock that was put back prolongs nothing.
    this.#pollsUntil = Math.min(this.#pollsUntil ?? Number.POSITIVE_INFINITY, now + waitMs);
    this.ended();
    this.#cancel = this.#clock.after(Math.max(0, this.#pollsUntil - now), () => {
      this.#triedStreams++;
      this.#startOver();
      tryStream();
    });
  }

  /** Before the next poll is sent: at another frontend it would open one more connection. */
  #verify(tryStream: () => void): void {
    this.ended();
    let isCancelled = false;
    this.#cancel = () => {
      isCancelled = true;
    };
    queueMicrotask(() => {
      if (isCancelled) return;
      this.#verified = true;
      this.#startOver();
      tryStream();
    });
  }

  /** The connection is closed. */
  ended(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Another network: its proxies may differ. */
  forget(): void {
    this.#triedStreams = 0;
    this.#verified = false;
    this.#startOver();
  }

  #startOver(): void {
    this.#polls = false;
    this.#silentStreams = 0;
    this.#suspectsServer = false;
    this.#pollsUntil = undefined;
  }
}
