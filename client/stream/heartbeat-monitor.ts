/** Detects half-open connections: silence is their only sign. */

import type { Clock } from "@ovation/protocol";
import { HEARTBEATS_MISSED_MAX } from "../limits.ts";

export interface HeartbeatSink {
  /** Whether comment lines are noticed: EventSource hides them, so silence may be normal there. */
  readonly seesHeartbeats: boolean | undefined;
  /** Heartbeats are missing: the connection is dead. */
  onMissed(): void;
  /** Nothing arrived, heartbeats are hidden: the server is to be asked. */
  onSilent(): void;
}

export class HeartbeatMonitor {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #sink: HeartbeatSink;
  #heartbeatMs = 0;
  #seenAt = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, random: () => number, sink: HeartbeatSink) {
    this.#clock = clock;
    this.#random = random;
    this.#sink = sink;
  }

  /** Something arrived. */
  seen(): void {
    this.#seenAt = this.#clock.now();
  }

  /** The connection is open. `heartbeatMs` is the server's interval; 0 where it sends none. */
  start(heartbeatMs: number): void {
    this.stop();
    this.#heartbeatMs = heartbeatMs;
    if (heartbeatMs > 0) this.#wait(HEARTBEATS_MISSED_MAX);
  }

  stop(): void {
    this.#heartbeatMs = 0;
    this.#cancel?.();
  }

  /** Checks now. A page that was hidden may have a dead connection, and a check is cheap. */
  wake(): void {
    this.#check(this.#sink.seesHeartbeats ? HEARTBEATS_MISSED_MAX : 1);
  }

  #wait(heartbeats: number): void {
    this.#cancel?.();
    const silenceMs = this.#clock.now() - this.#seenAt;
    const waitMs = Math.max(1, heartbeats * this.#heartbeatMs - silenceMs);
    this.#cancel = this.#clock.after(waitMs, () => {
      this.#check(HEARTBEATS_MISSED_MAX);
      if (this.#heartbeatMs === 0) return;
      // Requests of many clients are spread.
      const jitter = this.#sink.seesHeartbeats ? 1 : 1 + this.#random();
      this.#wait(HEARTBEATS_MISSED_MAX * jitter);
    });
  }

  #check(heartbeats: number): void {
    const silentMs = this.#clock.now() - this.#seenAt;
    if (this.#heartbeatMs === 0 || silentMs < heartbeats * this.#heartbeatMs) return;
    if (this.#sink.seesHeartbeats) this.#sink.onMissed();
    else {
      this.seen();
      this.#sink.onSilent();
    }
  }
}
