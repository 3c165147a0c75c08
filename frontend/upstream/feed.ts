/**
 * The feed: brings the events of the dispatchers to the channels of the hub, and keeps the channels
 * complete. It wires the hub, this frontend's rows in the subscription table, its reports, the
 * repair of missing events and the check of a restored log.
 */

import {
  type Event,
  type FrontendId,
  GUEST_UPGRADED,
  isDurable,
  type Topic,
  topicOf,
} from "@ovation/protocol";
import { Hub, type HubChannel, type HubOptions } from "../broadcast/hub.ts";
import { IdleRelease } from "../broadcast/idle-release.ts";
import { PASSED_POLL_MS } from "../limits.ts";
import { LogEpoch } from "../recovery/log-epoch.ts";
import { Repair } from "../recovery/repair.ts";
import { Membership } from "./membership.ts";
import { Probe } from "./probe.ts";
import { Reporter } from "./reporter.ts";
import { sleep } from "./retry.ts";
import type { Inbox, Upstream } from "./upstream.ts";

export interface FeedOptions extends Omit<HubOptions, "onMissing" | "onOtherEpoch" | "onUnwanted"> {
  readonly frontend: FrontendId;
  readonly upstream: Upstream;
  readonly random: () => number;
  readonly reportMs?: number;
  readonly lingerMs?: number;
  readonly quietMs?: number;
  /** The channel is no longer the hub's. */
  onForgotten(channel: HubChannel): void;
  /** The channel's events are not those of the log: its viewers must start over. */
  onReset(channel: HubChannel): void;
  /** The guest whose own topic this is has become a member. */
  onGuestUpgraded(topic: Topic): void;
  onFailure(what: string, error: unknown): void;
}

export class Feed implements Inbox {
  readonly hub: Hub;
  readonly repair: Repair;
  readonly membership: Membership;
  readonly probe: Probe;
  readonly #options: FeedOptions;
  readonly #reporter: Reporter;
  readonly #logEpoch: LogEpoch;
  readonly #idleRelease: IdleRelease;

  constructor(options: FeedOptions) {
    this.#options = options;
    const ownTopic = topicOf("frontend", options.frontend);
    this.probe = new Probe({ ...options, topic: ownTopic });
    this.hub = new Hub({
      ...options,
      onMissing: (channel, seq) => void this.repair.reach(channel, seq),
      onOtherEpoch: (channel) => void this.repair.verify(channel),
      onUnwanted: (event) => this.#dropUnwanted(event),
    });
    const { hub } = this;
    this.repair = new Repair({
      ...options,
      hub,
      onRepaired: (event) => this.#noteUpgrade(event),
      onUnrepairable: (channel) => this.#reset(channel),
    });
    this.membership = new Membership({
      ...options,
      hub,
      ownTopic,
      clock: options.steady,
      onHead: (channel, seq) => void this.repair.reach(channel, seq),
    });
    this.#reporter = new Reporter({ ...options, hub, repair: this.repair });
    this.#logEpoch = new LogEpoch({
      ...options,
      hub,
      beginReports: () => this.#reporter.restart(),
      compareHeads: () => this.#compareHeads(),
    });
    this.#idleRelease = new IdleRelease({ ...options, hub });
  }

  /** Begins the lease, the reports, the probe and the idle release. */
  start(): void {
    void this.membership.keepLease();
    void this.#reporter.run(() => this.membership.begin());
    void this.probe.run();
    this.#idleRelease.start();
  }

  async stop(): Promise<void> {
    this.#reporter.stop();
    this.#logEpoch.stop();
    this.probe.stop();
    this.#idleRelease.stop();
    await this.membership.stop();
  }

  dispatch(events: readonly Event[]): void {
    this.hub.dispatch(events);
    for (const event of events) this.#noteUpgrade(event);
  }

  #noteUpgrade({ type, topic }: Event): void {
    if (type === GUEST_UPGRADED) this.#options.onGuestUpgraded(topic);
  }

  #dropUnwanted(event: Event): void {
    const { counters } = this.#options;
    if (this.probe.take(event)) {
      // The counters balance events between the hops; a probe is none of them.
      counters.dispatched--;
      return;
    }
    counters.unwanted++;
    if (isDurable(event)) counters.durable.unwanted++;
    this.membership.unwanted(event.topic);
  }

  #reset(channel: HubChannel): void {
    // A second reset of the same channel: the topic may have a new channel.
    if (this.hub.channel(channel.topic) !== channel) return;
    this.#options.onReset(channel);
    this.hub.forget(channel);
    this.#options.onForgotten(channel);
    // Its viewers may return to another frontend.
    this.membership.unwanted(channel.topic);
  }

  /**
   * Resets topics with lost events; resolves when the others have broadcast all that the log has.
   */
  async #compareHeads(): Promise<void> {
    const expected = (await this.membership.refresh()).flatMap((head) => {
      const channel = this.hub.channel(head.topic);
      if (channel?.joined === true && head.seq < channel.seq) void this.repair.verify(channel);
      return this.#reporter.expect(head) ?? [];
    });
    await this.repair.verified();
    while (!expected.every((one) => one.isBroadcast()))
      await sleep(this.#options.clock, PASSED_POLL_MS);
  }
}
