/**
 * One direction of one proxied connection: passes bytes from one socket to the other, late and in
 * order. Delay is per chunk: a chunk leaves `delayMs` (and up to `jitterMs` more) after it arrived,
 * and never before an earlier one.
 */

import type { Socket } from "node:net";

export interface LinkConditions {
  /** One way, ms. A round trip takes twice that. */
  readonly delayMs: number;
  /** Up to so much more, drawn for each chunk. */
  readonly jitterMs: number;
  /** Bytes per second and direction, shared by all connections; 0 for no bound. */
  readonly bytesPerSecond: number;
}

export type Direction = "there" | "back";

/** One direction of a line. Proxies that are given the same one share its bandwidth. */
export interface LineDirection {
  /** When it has sent all that it was given. */
  freeAt: number;
}

export function createLineDirection(): LineDirection {
  return { freeAt: 0 };
}

/** What all connections of a proxy share in one direction. */
export interface PipeLine {
  readonly line: LineDirection;
  readonly conditions: LinkConditions;
  /** Nothing passes while it is cut. */
  readonly isCut: boolean;
  onSent(bytes: number): void;
  random(): number;
}

/** What a pipe holds at most; beyond it the sender is paused, as a full network does. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

export class DelayedPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #shared: PipeLine;
  /** `undefined`: the end of the stream. */
  readonly #held: { readonly chunk: Buffer | undefined; readonly due: number }[] = [];
  #heldBytes = 0;
  #lastDue = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(from: Socket, to: Socket, shared: PipeLine) {
    this.#from = from;
    this.#to = to;
    this.#shared = shared;
    from.on("data", (chunk: Buffer) => this.#hold(chunk));
    from.on("end", () => this.#hold(undefined));
    from.on("close", () => clearTimeout(this.#timer));
  }

  /** Sends what is due. */
  pump(): void {
    clearTimeout(this.#timer);
    if (this.#shared.isCut) return;
    for (;;) {
      const [first] = this.#held;
      if (first === undefined) break;
      const waitMs = first.due - performance.now();
      if (waitMs > 0.5) {
        this.#timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      this.#held.shift();
      if (first.chunk === undefined) this.#to.end();
      else this.#send(first.chunk);
    }
    if (this.#heldBytes <= HELD_BYTES_MAX && this.#from.isPaused()) this.#from.resume();
  }

  #hold(chunk: Buffer | undefined): void {
    const { delayMs, jitterMs } = this.#shared.conditions;
    const leavesAt = this.#sentAt(chunk) + delayMs + this.#shared.random() * jitterMs;
    this.#lastDue = Math.max(this.#lastDue, leavesAt);
    this.#held.push({ chunk, due: this.#lastDue });
    this.#heldBytes += chunk?.length ?? 0;
    if (this.#heldBytes > HELD_BYTES_MAX) this.#from.pause();
    this.pump();
  }

  /** When the line has sent it: first come, first served over all connections. */
  #sentAt(chunk: Buffer | undefined): number {
    const { line, conditions } = this.#shared;
    const now = performance.now();
    if (conditions.bytesPerSecond <= 0 || chunk === undefined) return now;
    line.freeAt = Math.max(now, line.freeAt) + (chunk.length / conditions.bytesPerSecond) * 1000;
    return line.freeAt;
  }

  #send(chunk: Buffer): void {
    this.#heldBytes -= chunk.length;
    this.#shared.onSent(chunk.length);
    this.#to.write(chunk);
  }
}
