/**
 * Topic shares: how many topics a process holds, and how many of them for one address. A topic
 * counts for the address that opened it, and passes to another one that has it when the first
 * leaves.
 *
 * Where the process is full, topics without a viewer go first, then connections of the heaviest
 * address.
 *
 * A topic with one viewer is counted without an entry of its own: there may be a million of them.
 */

import {
  type AddressPools,
  type AddressShares,
  addressGroupOf,
  type Topic,
} from "@ovation/protocol";
import type { Hub, HubChannel, HubSubscription } from "./broadcast/hub.ts";
import type { Connection } from "./connections/connection.ts";
import { TOPICS_PER_ADDRESS_MAX, TOPICS_PER_PROCESS_MAX } from "./limits.ts";

export interface TopicLimits {
  readonly perAddress: number;
  readonly perProcess: number;
}

export const DEFAULT_TOPICS: TopicLimits = {
  perAddress: TOPICS_PER_ADDRESS_MAX,
  perProcess: TOPICS_PER_PROCESS_MAX,
};

/** With `--rate-limits off`. */
export const OPEN_TOPICS: TopicLimits = {
  perAddress: Number.POSITIVE_INFINITY,
  perProcess: Number.POSITIVE_INFINITY,
};

export interface TopicSharesOptions {
  readonly hub: Hub;
  readonly pools: AddressPools;
  readonly limits: TopicLimits;
  /** Forgets up to so many topics without a viewer, the oldest first; answers how many. */
  forgetIdle(count: number): number;
  /** Ends a connection of the address. False where it could not. */
  evict(group: string): boolean;
}

export class TopicShares {
  readonly #options: TopicSharesOptions;
  readonly #shares: AddressShares;
  /** Of topics that have several viewers, or none. */
  readonly #owners = new Map<HubChannel, string>();

  constructor(options: TopicSharesOptions) {
    this.#options = options;
    this.#shares = options.pools.shares("topics", options.limits.perAddress);
  }

  /** Topics that count for the address, over all workers. */
  held(address: string): number {
    return this.#shares.held(address);
  }

  /**
   * Whether the address may have these topics, as far as they are new here; evicts where the
   * process is full.
   */
  allows(address: string, topics: readonly Topic[]): boolean {
    const { hub, limits } = this.#options;
    let fresh = 0;
    for (const topic of topics) if (hub.channel(topic) === undefined) fresh++;
    if (fresh === 0) return true;
    if (address !== "" && this.#shares.held(address) + fresh > limits.perAddress) return false;
    return this.#freeTopics(address, hub.channels.size + fresh - limits.perProcess);
  }

  /** The topic's channel; where it is new here, it counts for the address. */
  open(topic: Topic, address: string): HubChannel {
    const { hub } = this.#options;
    const known = hub.channel(topic);
    if (known !== undefined) return known;
    const channel = hub.open(topic);
    const group = addressGroupOf(address);
    this.#owners.set(channel, group);
    this.#shares.add(group);
    return channel;
  }

  subscribe({ channel, connection }: HubSubscription, add: () => void): void {
    const alone = channel.single;
    const owner = this.#owners.get(channel) ?? groupOf(alone?.connection) ?? "";
    add();
    const group = addressGroupOf(connection.address);
    if (channel.subscribers > 1) this.#owners.set(channel, owner);
    else this.#pass(channel, owner, group);
  }

  unsubscribe({ channel, connection }: HubSubscription, remove: () => void): void {
    const group = addressGroupOf(connection.address);
    const owner = this.#owners.get(channel) ?? group;
    remove();
    if (channel.subscribers === 0) this.#owners.set(channel, owner);
    else if (owner === group)
      this.#pass(channel, owner, groupOf(firstOf(channel)?.connection) ?? owner);
  }

  /** The channel is not the hub's any more. */
  forgotten(channel: HubChannel): void {
    const owner = this.#owners.get(channel);
    if (owner === undefined) return;
    this.#owners.delete(channel);
    this.#shares.remove(owner);
  }

  #pass(channel: HubChannel, from: string, to: string): void {
    if (from !== to) {
      this.#shares.remove(from);
      this.#shares.add(to);
    }
    // The one viewer that most topics have says itself whose they are.
    if (channel.single === undefined) this.#owners.set(channel, to);
    else this.#owners.delete(channel);
  }

  #freeTopics(address: string, missing: number): boolean {
    const { hub, forgetIdle, evict } = this.#options;
    if (missing <= 0) return true;
    const enough = hub.channels.size - missing;
    forgetIdle(missing);
    while (hub.channels.size > enough) {
      const heaviest = this.#shares.heaviest();
      // Not for one that would then hold as much: two addresses would push each other out in turns.
      if (heaviest === undefined || heaviest.held <= this.#shares.held(address) + missing)
        return false;
      if (!evict(heaviest.address)) return false;
      forgetIdle(hub.channels.size - enough);
    }
    return true;
  }
}

function groupOf(connection: Connection | undefined): string | undefined {
  return connection === undefined ? undefined : addressGroupOf(connection.address);
}

function firstOf(channel: HubChannel): HubSubscription | undefined {
  for (const subscription of channel.subscriptions) if (subscription !== null) return subscription;
  return undefined;
}
