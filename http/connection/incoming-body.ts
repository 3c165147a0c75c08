/**
 * The body of a request in flight. It is buffered, bounded, until a handler reads it; an unread
 * body is dropped when the response is written.
 */

import { BODY_BYTES_AHEAD_MAX } from "../limits.ts";

export interface BodyFlow {
  /** A handler wants the body: the socket is to be read (again). */
  onWanted(): void;
}

export class IncomingBody {
  /** All of it has come, or no more will. */
  ended = false;
  readonly #flow: BodyFlow;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #error: unknown;
  #wanted = false;
  #dropped = false;
  #wake: (() => void) | undefined;

  constructor(flow: BodyFlow) {
    this.#flow = flow;
  }

  /** Whether the buffer is full, so that no more should be read for now. */
  get isFull(): boolean {
    return this.#bytes > BODY_BYTES_AHEAD_MAX && !this.#wanted;
  }

  /** A handler has asked for the body, and so gets `error`. */
  get isWanted(): boolean {
    return this.#wanted;
  }

  push(bytes: Uint8Array): void {
    if (this.#dropped) return;
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    this.#stir();
  }

  end(): void {
    this.ended = true;
    this.#stir();
  }

  fail(error: unknown): void {
    this.#error = error;
    this.end();
  }

  /** No handler will ask any more. */
  drop(): void {
    this.#dropped = true;
    this.#chunks = [];
    this.#bytes = 0;
  }

  /** Rejects with what `fail` was given. */
  async bytes(): Promise<Uint8Array> {
    this.#want();
    while (!this.ended) await this.#news();
    if (this.#error !== undefined) throw this.#error;
    const [first] = this.#chunks;
    const whole =
      this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#chunks = [];
    return whole;
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          this.#want();
          while (this.#chunks.length === 0 && !this.ended) await this.#news();
          const chunk = this.#chunks.shift();
          this.#bytes -= chunk?.length ?? 0;
          if (chunk !== undefined) controller.enqueue(chunk);
          else if (this.#error !== undefined) controller.error(this.#error);
          else controller.close();
        },
        cancel: () => this.drop(),
      },
      { highWaterMark: 0 },
    );
  }

  #want(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#flow.onWanted();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #stir(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
