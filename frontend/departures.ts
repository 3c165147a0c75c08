/**
 * Connections that were closed while they took no bytes. The live events that such a client missed
 * are announced (`gap`) when it returns to this frontend.
 *
 * A client is recognized by its address or its member, and by the order in its position: one that
 * has less than what was written to the closed connection has received nothing since. What it
 * missed is counted from that order on: true also for another client of the address.
 */

import type { BroadcastPoint, Clock, Topic } from "@ovation/protocol";
import type { Channel } from "./broadcast/channel.ts";
import type { TopicBuffer } from "./broadcast/topic-buffer.ts";
import type { Connection } from "./connections/connection.ts";
import { DEPARTED_CLIENTS_MAX, DEPARTED_TOPICS_PER_CLIENT_MAX, DEPARTURE_MS } from "./limits.ts";

interface Departure {
  /** The order of the first batch that was not written. */
  readonly before: number;
  /** Wall clock when the connection fell behind. */
  readonly from: number;
  /** Live events between that and its end. */
  readonly lost: number;
  /** Whose numbers they are: a topic that was quiet has another buffer. */
  readonly buffer: WeakRef<TopicBuffer>;
}

interface Client {
  until: number;
  readonly topics: Map<Topic, Departure>;
}

/** What a client missed of one topic. */
export interface Missed {
  readonly lost: number;
  readonly from: number;
}

export class Departures {
  readonly #clock: Clock;
  /** The least recent first. */
  readonly #clients = new Map<string, Client>();
  #isTimed = false;

  /** `clock`: a steady one. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** The connection ends. Before its subscriptions go. */
  note(connection: Connection): void {
    const { lags } = connection;
    if (lags === undefined) return;
    for (const subscription of connection.subscriptions) {
      const { buffer } = subscription.channel;
      const lag = lags.get(subscription);
      if (buffer === undefined || lag === undefined || buffer.liveEvents <= lag.liveEvents)
        continue;
      const departure = {
        before: lag.order,
        from: lag.at,
        lost: buffer.liveEvents - lag.liveEvents,
        buffer: new WeakRef(buffer),
      };
      for (const owner of ownersOf(connection))
        this.#put(owner, subscription.channel.topic, departure);
    }
  }

  #put(owner: string, topic: Topic, departure: Departure): void {
    const client = this.#clients.get(owner) ?? { until: 0, topics: new Map() };
    client.until = this.#clock.now() + DEPARTURE_MS;
    client.topics.delete(topic);
    client.topics.set(topic, departure);
    if (client.topics.size > DEPARTED_TOPICS_PER_CLIENT_MAX) deleteFirst(client.topics);
    this.#clients.delete(owner);
    this.#clients.set(owner, client);
    if (this.#clients.size > DEPARTED_CLIENTS_MAX) deleteFirst(this.#clients);
    this.#evictLater();
  }

  #evictLater(): void {
    if (this.#isTimed || this.#clients.size === 0) return;
    this.#isTimed = true;
    this.#clock.after(
      DEPARTURE_MS,
      () => {
        this.#isTimed = false;
        for (const [owner, { until }] of this.#clients) {
          if (until > this.#clock.now()) break;
          this.#clients.delete(owner);
        }
        this.#evictLater();
      },
      true,
    );
  }

  /** What a client that returns with this point missed of the topic. */
  missed(connection: Connection, channel: Channel, { order }: BroadcastPoint): Missed | undefined {
    for (const owner of ownersOf(connection)) {
      const client = this.#clients.get(owner);
      const departure = client?.topics.get(channel.topic);
      if (client === undefined || departure === undefined) continue;
      if (order >= departure.before || client.until <= this.#clock.now()) continue;
      const { buffer } = channel;
      const isSame = buffer !== undefined && departure.buffer.deref() === buffer;
      const lost = isSame ? buffer.liveEvents - buffer.liveAt(order) : departure.lost;
      return { lost: Math.max(lost, departure.lost), from: departure.from };
    }
    return undefined;
  }
}

function ownersOf({ address, identity }: Connection): readonly string[] {
  return identity === undefined ? [address] : [address, `member ${identity.sub}`];
}

function deleteFirst(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
