/**
 * Idle release: frees the buffers of quiet topics. A million personal topics with one event each
 * would otherwise keep their rings and histories for ever: three times the memory of the channels
 * themselves.
 *
 * It checks all channels in small steps. A list of channels with a buffer would cost more than the
 * checks, because every event would have to update it.
 */

import type { Clock } from "@ovation/protocol";
import { QUIET_MS, RELEASE_STEP_CHANNELS_MIN, RELEASE_STEP_MS } from "../limits.ts";
import type { Channel } from "./channel.ts";
import type { Hub } from "./hub.ts";

export interface IdleReleaseOptions {
  readonly hub: Hub;
  readonly clock: Clock;
  /** As the hub's. */
  elapsed(): number;
  /** Default QUIET_MS. */
  readonly quietMs?: number;
}

export class IdleRelease {
  readonly #options: IdleReleaseOptions;
  readonly #quietMs: number;
  readonly #stepMs: number;
  #round: Iterator<Channel> | undefined;
  #cancel: () => void = () => {};

  constructor(options: IdleReleaseOptions) {
    this.#options = options;
    this.#quietMs = options.quietMs ?? QUIET_MS;
    this.#stepMs = Math.min(RELEASE_STEP_MS, this.#quietMs);
  }

  start(): void {
    this.#cancel = this.#options.clock.after(this.#stepMs, () => {
      this.#step();
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  /** One round takes about as long as a topic has to be quiet. */
  #step(): void {
    const { channels } = this.#options.hub;
    const since = this.#options.elapsed() - this.#quietMs;
    const looks = Math.max(
      RELEASE_STEP_CHANNELS_MIN,
      Math.ceil((channels.size * this.#stepMs) / this.#quietMs),
    );
    this.#round ??= channels.values();
    for (let look = 0; look < looks; look++) {
      const { done, value } = this.#round.next();
      if (done === true) {
        this.#round = undefined;
        return;
      }
      value.releaseIdle(since);
    }
  }
}
