/**
 * What a frontend does before it answers somebody who comes from another one, so that they hear nothing twice:
 * it may be behind that one, because it stood still or its links broke.
 *
 * - Live events that are on the way here, or wait for a broadcast, were perhaps heard elsewhere: they pass first.
 * - A durable event that the viewer has and this frontend has not is pulled from the log first.
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

  /** Resolves when what was sent here before has been broadcast, where whoever brings the position may have heard it. */
  async pass(position: Position | undefined, channels: readonly HubChannel[]): Promise<void> {
    const { arrived, clock, frontend } = this.#options;
    // A position that lists its topics does not say where it is from.
    if (arrived === undefined || position === undefined || position.point?.frontend === frontend)
      return;
    await arrived();
    for (const channel of channels) {
      const { nextBatch } = channel;
      while (channel.buffer?.isWaiting === true && channel.nextBatch === nextBatch)
        await sleep(clock, PASSED_POLL_MS);
    }
  }

  /** Resolves when this frontend has said what the viewer has, up to `seq` that the log wrote; or after a while without the log. */
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
