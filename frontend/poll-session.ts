/**
 * The writer of a connection that is polled: it buffers events until the next request takes them.
 *
 * waiting for a request ──poll──▶ held ──an event, or POLL_HOLD_MS──▶ answered ──▶ waiting …
 *        └──POLL_PARK_MS without a request──▶ closed
 *
 * Answered events are kept until the next request names their position, because a response may be
 * lost. At POLL_BUFFER_BYTES_MAX it says that it does not keep up, as a socket does: then the
 * connection is a slow one, with the ring, the `gap` and the replay of every other.
 */

import { type ByteWriter, type Clock, createFrameReader } from "@ovation/protocol";
import type { Connection } from "./connections/connection.ts";
import {
  POLL_BUFFER_BYTES_MAX,
  POLL_GATHER_MS,
  POLL_HOLD_MS,
  POLL_MOVED_MS,
  POLL_PARK_MS,
} from "./limits.ts";

const COLON = 58;

export interface PollSessionOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  /** The client had a connection elsewhere. */
  readonly isMoved: boolean;
  /** No request came in time, or the last answer was given. */
  onGone(): void;
}

export class PollSession implements ByteWriter {
  readonly connection: Connection;
  readonly #options: PollSessionOptions;
  /** Written, and in no answer yet. */
  #written: Uint8Array[] = [];
  /** In an answer that the client has not confirmed: JSON texts of events. */
  #answered: readonly string[] = [];
  /** Of both. */
  #bytes = 0;
  #writtenBytes = 0;
  /** What the newest answer told the client to ask with. */
  #position = "";
  #retryMs: number | undefined;
  #isOver = false;
  #drained: Promise<number> | undefined;
  #settle: (() => void) | undefined;
  /** Answers the request that is held; another one may have come in its place. */
  #release: ((isReplaced: boolean) => void) | undefined;
  #isGathering = false;
  /** What is written so long after the first event goes with it. */
  #gatherMs: number;
  #cancelTimer: () => void = () => {};

  constructor(options: PollSessionOptions) {
    this.#options = options;
    this.connection = options.connection;
    this.#gatherMs = options.isMoved ? POLL_MOVED_MS : POLL_GATHER_MS;
  }

  write(bytes: Uint8Array): number | Promise<number> {
    // A heartbeat is for streams: here every answer is proof of life.
    if (this.#isOver || bytes[0] === COLON) return bytes.length;
    this.#written.push(bytes);
    this.#writtenBytes += bytes.length;
    this.#bytes += bytes.length;
    this.#gather();
    if (this.#bytes < POLL_BUFFER_BYTES_MAX) return bytes.length;
    this.#drained ??= new Promise((resolve) => {
      this.#settle = () => resolve(0);
    });
    return this.#drained;
  }

  end(): void {
    this.#isOver = true;
    this.#drain();
    this.#release?.(false);
  }

  /** The client has another connection now. */
  leave(): void {
    const isHeld = this.#release !== undefined;
    this.#cancelTimer();
    this.end();
    // A request that is held takes the last answer, and then the session is gone.
    if (!isHeld) this.#options.onGone();
  }

  cut(): void {
    this.#written = [];
    this.#answered = [];
    this.end();
  }

  /**
   * The JSON text of the next answer. A request that is still held is answered first, with nothing:
   * its client may be gone.
   */
  async poll(position: string): Promise<string> {
    this.#release?.(true);
    this.#cancelTimer();
    if (position === this.#position) this.#confirm();
    if (this.#answered.length === 0 && !this.#isOver && (await this.#hold())) return this.#say([]);
    return this.#answer();
  }

  #confirm(): void {
    this.#answered = [];
    this.#bytes = this.#writtenBytes;
    if (this.#bytes < POLL_BUFFER_BYTES_MAX) this.#drain();
  }

  #drain(): void {
    const settle = this.#settle;
    this.#drained = undefined;
    this.#settle = undefined;
    settle?.();
  }

  /** Whether another request came in its place. */
  #hold(): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(POLL_HOLD_MS, () => this.#release?.(false));
      this.#release = (isReplaced) => {
        this.#release = undefined;
        cancel();
        resolve(isReplaced);
      };
      if (this.#written.length > 0) this.#gather();
    });
  }

  /**
   * What follows at once goes with it: a busy topic costs a request for each `#gatherMs` at most.
   */
  #gather(): void {
    if (this.#release === undefined || this.#isGathering) return;
    this.#isGathering = true;
    this.#options.clock.after(this.#gatherMs, () => {
      this.#isGathering = false;
      if (this.#written.length > 0) this.#release?.(false);
    });
  }

  #answer(): string {
    const events = [...this.#answered];
    const reader = createFrameReader({
      onMessage: ({ data, lastEventId }) => {
        if (lastEventId !== "") this.#position = lastEventId;
        const id = lastEventId === "" ? "" : `"id":"${lastEventId}",`;
        events.push(`{${id}${data.slice(1)}`);
      },
      onRetry: (ms) => {
        this.#retryMs = ms;
      },
    });
    const decoder = new TextDecoder();
    for (const bytes of this.#written) reader.feed(decoder.decode(bytes, { stream: true }));
    this.#written = [];
    this.#writtenBytes = 0;
    this.#answered = events;
    this.#gatherMs = POLL_GATHER_MS;
    this.#cancelTimer();
    if (this.#isOver) this.#options.onGone();
    else this.#cancelTimer = this.#options.clock.after(POLL_PARK_MS, () => this.#options.onGone());
    return this.#say(events);
  }

  #say(events: readonly string[]): string {
    const fields = [
      ...(this.#isOver ? [] : [`"connectionId":"${this.connection.id}"`]),
      ...(this.#position === "" ? [] : [`"position":"${this.#position}"`]),
      ...(this.#retryMs === undefined ? [] : [`"retryMs":${this.#retryMs}`]),
      `"events":[${events.join(",")}]`,
    ];
    return `{${fields.join(",")}}`;
  }
}
