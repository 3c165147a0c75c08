/**
 * Subscriptions: what joins connections to channels, and how the topics of an open connection change.
 */

import { isOwnTopic, TOPICS_PER_CONNECTION_MAX, type Topic } from "@ovation/protocol";
import type { Authorize } from "./authorize.ts";
import type { Channel } from "./channel.ts";
import type { Connection, Subscription } from "./connection.ts";
import type { Hub } from "./hub.ts";
import type { Membership } from "./membership.ts";
import type { TokenExpiries } from "./token-expiries.ts";
import type { ConnectionChange, ConnectionChangeResult } from "./upstream.ts";

export interface SubscriptionsOptions {
  readonly hub: Hub;
  readonly membership: Membership;
  readonly expiries: TokenExpiries;
  readonly authorize: Authorize;
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  add(connection: Connection, channel: Channel): void {
    const subscription: Subscription = {
      connection,
      channel,
      start: channel.batched,
      next: channel.nextBatch,
      index: 0,
      descriptor: -1,
      form: connection.form,
      several: false,
    };
    channel.add(subscription);
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
    // The id alone lets nobody into a member's stream.
    if (connection.identity !== undefined && connection.identity.sub !== change.sub)
      return { ok: false, error: "forbidden" };
    const isSuperseded = () => change.order !== undefined && change.order < connection.changeOrder;
    if (isSuperseded()) return { ok: false, error: "superseded" };
    connection.changeOrder = change.order ?? connection.changeOrder;
    for (const topic of change.remove) this.#drop(connection, topic);
    const has = new Set(connection.subscriptions.map(({ channel }) => channel.topic));
    const added = change.add.filter((topic) => !has.has(topic));
    if (has.size + added.length > TOPICS_PER_CONNECTION_MAX)
      return { ok: false, error: "too-many-topics" };
    const borrowed = await this.#borrowed(connection, change);
    const channels = await this.#joinAll(change.add);
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

  /** The topics that the connection's own identity does not allow: they last as long as the token of the change. */
  async #borrowed(connection: Connection, { add }: ConnectionChange): Promise<ReadonlySet<Topic>> {
    const borrowed = new Set<Topic>();
    for (const topic of add)
      if (!(await this.#options.authorize(connection.identity, topic))) borrowed.add(topic);
    return borrowed;
  }

  /** A channel without a subscriber may be forgotten while the others join: then it is opened again. */
  async #joinAll(topics: readonly Topic[]): Promise<readonly Channel[]> {
    const { hub, membership } = this.#options;
    for (;;) {
      const channels = topics.map((topic) => hub.open(topic));
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

  #remove(subscription: Subscription): void {
    const { channel } = subscription;
    channel.remove(subscription);
    if (channel.subscribers === 0) this.#options.membership.leave(channel);
  }
}
