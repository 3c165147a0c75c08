/**
 * The connection pump: writes what one connection lacks of all its topics. It serves connections
 * that cannot take their turn in a round: slow ones once they drain, and returning ones.
 */

import type { Clock } from "@ovation/protocol";
import type { Connection } from "../connections/connection.ts";
import type { Counters } from "../counters.ts";
import { PUMP_BYTES_MAX } from "../limits.ts";
import type { Batch } from "./batch.ts";
import { joinBytes } from "./batch-run.ts";
import type { Subscription } from "./subscription.ts";

export interface ConnectionPumpOptions {
  readonly clock: Clock;
  readonly steady: Clock;
  readonly counters: Counters;
  /** The order of the last broadcast. */
  order(): number;
  /** The ring has evicted a batch that the connection lacks. */
  onOvertaken(subscription: Subscription<Connection>): void;
}

export class ConnectionPump {
  readonly #options: ConnectionPumpOptions;

  constructor(options: ConnectionPumpOptions) {
    this.#options = options;
  }

  /** Writes all outstanding batches of the connection, in the order of the broadcasts. */
  write(connection: Connection): void {
    if (!connection.ready) return;
    const outstanding: { subscription: Subscription<Connection>; batch: Batch }[] = [];
    for (const subscription of connection.subscriptions) {
      const { channel } = subscription;
      for (let number = subscription.next; number < channel.nextBatch; number++) {
        const batch = channel.buffer?.batch(number);
        if (batch === undefined) {
          this.#options.onOvertaken(subscription);
          return;
        }
        outstanding.push({ subscription, batch });
      }
    }
    if (outstanding.length === 0 || connection.writer === undefined) return;
    outstanding.sort((left, right) => left.batch.order - right.batch.order);
    for (let at = 0; at < outstanding.length && connection.pendingSince === 0; ) {
      const bytes: Uint8Array[] = [];
      let length = 0;
      for (; at < outstanding.length && length < PUMP_BYTES_MAX; at++) {
        const { subscription, batch } = outstanding[at] as (typeof outstanding)[number];
        subscription.next = batch.number + 1;
        this.#options.counters.written += batch.events;
        this.#options.counters.durable.written += batch.durable;
        const part = batch.encoded.bytes(connection.form);
        bytes.push(part);
        length += part.length;
      }
      connection.wrote = true;
      this.#options.counters.writes++;
      const accepted = connection.writer.write(joinBytes(bytes));
      if (typeof accepted !== "number") this.pend(connection, accepted);
    }
  }

  /** The connection is a slow consumer: nothing is written to it until `drained` settles. */
  pend(connection: Connection, drained: Promise<unknown>): void {
    if (connection.pendingSince !== 0) return;
    connection.pendingSince = this.#options.steady.now();
    connection.update();
    this.#options.counters.slow++;
    this.noteLags(connection, this.#options.clock.now());
    const resume = () => {
      // The close has already counted it out.
      if (connection.closed) return;
      connection.pendingSince = 0;
      connection.update();
      this.#options.counters.slow--;
      this.write(connection);
      if (connection.pendingSince === 0) connection.lags = undefined;
    };
    drained.then(resume, resume);
  }

  /** Records where each topic stands, in case the ring evicts what the connection needs. */
  noteLags(connection: Connection, now: number): void {
    connection.lags ??= new Map();
    for (const subscription of connection.subscriptions) {
      const { channel } = subscription;
      const behind = channel.buffer?.batch(subscription.next);
      connection.lags.set(subscription, {
        position: behind?.before ?? channel.batched,
        liveEvents: behind?.liveBefore ?? channel.buffer?.liveEvents ?? 0,
        order: behind?.order ?? this.#options.order() + 1,
        at: now,
        sums: new Map(channel.buffer?.sums),
      });
    }
  }
}
