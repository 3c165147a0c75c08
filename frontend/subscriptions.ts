/**
 * Subscriptions: what joins connections to channels, and how the topics of an open connection
 * change.
 */

import { isOwnTopic, TOPICS_PER_CONNECTION_MAX, type Topic } from "@ovation/protocol";
import type { Authorize } from "./authorize.ts";
import type { Hub, HubChannel, HubSubscription } from "./broadcast/hub.ts";
import type { ChangeRates } from "./change-rates.ts";
import type { Connection } from "./connections/connection.ts";
import type { TokenExpiries } from "./connections/token-expiries.ts";
import type { TopicShares } from "./topic-shares.ts";
import type { Membership } from "./upstream/membership.ts";
import type { ConnectionChange, ConnectionChangeResult } from "./upstream/upstream.ts";

export interface SubscriptionsOptions {
  readonly hub: Hub;
  readonly membership: Membership;
  readonly expiries: TokenExpiries;
  readonly shares: TopicShares;
  readonly rates: ChangeRates;
  readonly authorize: Authorize;
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  add(connection: Connection, channel: HubChannel): void {
    const subscription: HubSubscription = {
      connection,
      channel,
      start: channel.batched,
      next: channel.nextBatch,
      index: 0,
      descriptor: -1,
      form: connection.form,
      several: false,
    };
    this.#options.shares.subscribe(subscription, () => channel.add(subscription));
    connection.subscriptions.push(subscription);
    connection.update();
  }

  /** The connection is closed. */
  removeAll(connection: Connection): void {
    for (const subscription of connection.subscriptions) this.#remove(subscription);
    connection.subscriptions = [];
    connection.lags = undefined;
    this.#options.expiries.forget(connection);
  }

  /** Makes the change that a client asked for. A token of `change.sub` allowed the topics. */
  async change(connection: Connection, change: ConnectionChange): Promise<ConnectionChangeResult> {
    // The id alone does not give access to a member's stream.
    if (connection.identity !== undefined && connection.identity.sub !== change.sub)
      return { ok: false, error: "forbidden" };
    const isSuperseded = () => change.order !== undefined && change.order < connection.changeOrder;
    if (isSuperseded()) return { ok: false, error: "superseded" };
    const has = new Set(connection.subscriptions.map(({ channel }) => channel.topic));
    const removed = change.remove.filter((topic) => has.has(topic));
    const added = change.add.filter((topic) => !has.has(topic));
    if (has.size - removed.length + added.length > TOPICS_PER_CONNECTION_MAX)
      return { ok: false, error: "too-many-topics" };
    const { rates, shares } = this.#options;
    const { retryAfterMs } = rates;
    if (!rates.takeChange(connection, added.length + removed.length))
      return { ok: false, error: "rate-limited", retryAfterMs };
    if (!shares.allows(connection.address, added))
      return { ok: false, error: "topics-exhausted", retryAfterMs };
    connection.changeOrder = change.order ?? connection.changeOrder;
    for (const topic of removed) this.#drop(connection, topic);
    const borrowed = await this.#borrowed(connection, change);
    const channels = await this.#joinAll(connection, change.add);
    if (connection.closed) return { ok: false, error: "unknown-connection" };
    // It waited for the table, and its client did not wait for it.
    if (isSuperseded()) return { ok: false, error: "superseded" };
    const heads = channels.map((channel) => {
      const { topic } = channel;
      const known = connection.subscriptions.some((one) => one.channel === channel);
      if (!known) this.add(connection, channel);
      if (borrowed.has(topic)) this.#options.expiries.allow(connection, topic, change.expiresAt);
      return { topic, seq: channel.batched.seq, epoch: channel.batched.epoch, first: 1 };
    });
    return { ok: true, heads };
  }

  /**
   * The topics that the connection's own identity does not allow: they last as long as the token of
   * the change.
   */
  async #borrowed(connection: Connection, { add }: ConnectionChange): Promise<ReadonlySet<Topic>> {
    const borrowed = new Set<Topic>();
    for (const topic of add)
      if (!(await this.#options.authorize(connection.identity, topic))) borrowed.add(topic);
    return borrowed;
  }

  /**
   * A channel without a subscriber may be forgotten while the others join: then it is opened again.
   */
  async #joinAll(
    { address }: Connection,
    topics: readonly Topic[],
  ): Promise<readonly HubChannel[]> {
    const { hub, membership, shares } = this.#options;
    for (;;) {
      const channels = topics.map((topic) => shares.open(topic, address));
      await membership.join(channels);
      if (channels.every((channel) => hub.channel(channel.topic) === channel)) return channels;
    }
  }

  #drop(connection: Connection, topic: Topic): void {
    const subscription = connection.subscriptions.find(({ channel }) => channel.topic === topic);
    if (subscription === undefined) return;
    if (connection.identity !== undefined && isOwnTopic(connection.identity, topic)) return;
    connection.subscriptions = connection.subscriptions.filter((other) => other !== subscription);
    connection.lags?.delete(subscription);
    connection.update();
    this.#options.expiries.drop(connection, topic);
    this.#remove(subscription);
  }

  #remove(subscription: HubSubscription): void {
    const { channel } = subscription;
    this.#options.shares.unsubscribe(subscription, () => channel.remove(subscription));
    if (channel.subscribers === 0) this.#options.membership.leave(channel);
  }
}
