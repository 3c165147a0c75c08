/**
 * Catch-up: before a frontend serves a client that fails over to it, so that the client gets
 * nothing twice. This frontend may be behind the other one, after a pause or a broken link.
 *
 * - Live events in flight or pending here may have reached the client already: they are broadcast
 *   first.
 * - A durable event that the client has and this frontend lacks is pulled from the log first.
 */

import type { Clock, FrontendId, Position } from "@ovation/protocol";
import type { Hub, HubChannel } from "../broadcast/hub.ts";
import { PASSED_POLL_MS, REACH_MS_MAX } from "../limits.ts";
import { sleep } from "../upstream/retry.ts";
import type { Repair } from "./repair.ts";

export interface CatchUpOptions {
  readonly frontend: FrontendId;
  readonly hub: Hub;
  readonly repair: Repair;
  readonly clock: Clock;
  /** See `FrontendOptions.arrived`. */
  arrived?(): Promise<void>;
}

export class CatchUp {
  readonly #options: CatchUpOptions;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /**
   * Resolves when all that was sent here before is broadcast, if the position is another
   * frontend's.
   */
  async pass(position: Position | undefined, channels: readonly HubChannel[]): Promise<void> {
    const { arrived, clock, frontend } = this.#options;
    // A position that lists its topics does not name its frontend.
    if (arrived === undefined || position === undefined || position.point?.frontend === frontend)
      return;
    await arrived();
    for (const channel of channels) {
      const { nextBatch } = channel;
      while (channel.buffer?.isWaiting === true && channel.nextBatch === nextBatch)
        await sleep(clock, PASSED_POLL_MS);
    }
  }

  /**
   * Resolves when this frontend has broadcast `seq`, which the log wrote; at the latest after
   * REACH_MS_MAX.
   */
  async reach(channel: HubChannel, seq: number): Promise<void> {
    if (channel.batched.seq >= seq) return;
    const { clock, hub, repair } = this.#options;
    await Promise.race([repair.reach(channel, seq), sleep(clock, REACH_MS_MAX)]);
    while (
      channel.seq >= seq &&
      channel.batched.seq < seq &&
      hub.channel(channel.topic) === channel
    )
      await sleep(clock, PASSED_POLL_MS);
  }
}
