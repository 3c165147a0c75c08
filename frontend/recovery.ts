/**
 * Recovery: makes a connection whole. Used when somebody returns with a position, and when a slow
 * connection was overtaken by its topic's ring.
 *
 * Subscribe first, then recover: the subscription stands before anything is read, so nothing falls
 * between; batches made meanwhile wait in the ring (`Subscription.next`), and when the ring runs ahead
 * of a slow replay, another round follows.
 */

import {
  type Clock,
  formatFrame,
  type Json,
  type TopicPosition,
  toJsonText,
} from "@ovation/protocol";
import type { Channel } from "./channel.ts";
import type { Connection, Lag, Subscription } from "./connection.ts";
import type { Counters } from "./counters.ts";
import type { Hub } from "./hub.ts";
import { RECOVERIES_CONCURRENT_MAX, RECOVERY_ROUNDS_MAX } from "./limits.ts";
import { formatStandings, type Replay, ReplayLostError } from "./replay.ts";

export interface RecoveryOptions {
  readonly hub: Hub;
  readonly replay: Replay;
  readonly clock: Clock;
  readonly counters: Counters;
  /** Nothing can be done: the client connects again and is told so then. */
  onFailed(connection: Connection, error: unknown): void;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Sends what is missing since `standings`, then opens the connection to the broadcast. */
  async run(connection: Connection, standings: Map<Channel, TopicPosition>): Promise<void> {
    connection.open = false;
    connection.update();
    const behind = connection.subscriptions.some(
      ({ channel }) => (standings.get(channel)?.seq ?? 0) < channel.batched.seq,
    );
    if (behind) await this.#inTurn(() => this.#rounds(connection, standings));
    else
      for (const subscription of connection.subscriptions)
        subscription.next = subscription.channel.nextBatch;
    if (connection.closed) return;
    // What was broadcast meanwhile was not for this connection, the number of viewers with it.
    for (const { channel } of connection.subscriptions)
      if (channel.announced !== undefined) channel.announced.unseen = true;
    connection.open = true;
    connection.update();
    this.#options.hub.pump(connection);
  }

  /** A slow connection drained, but its place in the ring is gone: it skips forward, and is told what it missed. */
  overtaken(connection: Connection): void {
    const lags = connection.lags;
    connection.lags = undefined;
    if (lags === undefined) {
      this.#options.onFailed(
        connection,
        new Error("a connection that was not slow fell behind its ring"),
      );
      return;
    }
    connection.open = false;
    connection.update();
    const standings = new Map<Channel, TopicPosition>();
    for (const subscription of connection.subscriptions) {
      // Without a lag, it was subscribed while the connection was slow already: nothing was sent of it.
      standings.set(subscription.channel, lags.get(subscription)?.position ?? subscription.start);
      if (subscription.channel.announced !== undefined)
        subscription.channel.announced.unseen = true;
    }
    // Whoever is cut off after one of these frames comes back with its id: it lists all topics.
    const id = formatStandings(standings);
    let waits: Promise<number> | undefined;
    for (const subscription of connection.subscriptions) {
      const lag = lags.get(subscription);
      if (lag !== undefined)
        waits = connection.writeText(this.#makeUp(id, subscription.channel, lag)) ?? waits;
    }
    this.#settle(connection, waits).then(
      () =>
        this.run(connection, standings).catch((error: unknown) =>
          this.#options.onFailed(connection, error),
        ),
      (error: unknown) => this.#options.onFailed(connection, error),
    );
  }

  /** The live lane after a skip: how many were lost and why, and the sums of what merges. */
  #makeUp(id: string, channel: Channel, lag: Lag): string {
    const now = this.#options.clock.now();
    const envelope = (data: Json) => toJsonText({ topic: channel.topic, at: now, data });
    let text = "";
    const lost = (channel.flow?.liveEvents ?? 0) - lag.liveEvents;
    if (lost > 0) {
      this.#options.counters.gaps++;
      this.#options.counters.lostSlow += lost;
      text += formatFrame(id, "gap", envelope({ lost, from: lag.at, to: now, reason: "slow" }));
    }
    for (const [key, event] of channel.flow?.sums ?? []) {
      const before = lag.sums.get(key);
      const data =
        before === undefined
          ? JSON.parse(event.data)
          : subtract(JSON.parse(event.data), JSON.parse(before.data));
      if (before?.data !== event.data) text += formatFrame(id, event.type, envelope(data));
    }
    return text;
  }

  async #inTurn(run: () => Promise<void>): Promise<void> {
    if (this.#running >= RECOVERIES_CONCURRENT_MAX)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      await run();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #rounds(connection: Connection, standings: Map<Channel, TopicPosition>): Promise<void> {
    this.#options.counters.recoveries++;
    for (let round = 0; round < RECOVERY_ROUNDS_MAX; round++) {
      for (const subscription of [...connection.subscriptions]) {
        if (connection.closed) return;
        await this.#catchUp(connection, subscription, standings);
      }
      // Whole when every topic goes on from its ring.
      if (
        connection.subscriptions.every(
          ({ next, channel }) =>
            next >= channel.nextBatch || channel.flow?.batch(next) !== undefined,
        )
      )
        return;
    }
    throw new ReplayLostError("the broadcast kept overtaking this replay");
  }

  async #catchUp(
    connection: Connection,
    subscription: Subscription,
    standings: Map<Channel, TopicPosition>,
  ): Promise<void> {
    const { replay, counters } = this.#options;
    const { channel } = subscription;
    // From here on batches are for the ring; up to here it is the replay's.
    subscription.next = channel.nextBatch;
    const target = channel.batched;
    let from = standings.get(channel) ?? subscription.start;
    standings.set(channel, from);
    // A client that takes the topic out meanwhile gets nothing more of it.
    const wanted = () => !connection.closed && connection.subscriptions.includes(subscription);
    while (from.seq < target.seq && wanted()) {
      const to = replay.pageEnd(from.seq, target.seq);
      let waits: Promise<number> | undefined;
      if (connection.subscriptions.length === 1) {
        const page = await replay.shared(channel, from, to, connection.form);
        if (!wanted()) return;
        waits = connection.writeBytes(page);
        standings.set(channel, to === target.seq ? target : { seq: to, epoch: "" });
      } else {
        const page = await replay.listed(channel, standings, from.seq, to);
        if (!wanted()) return;
        waits = connection.writeText(page);
      }
      counters.recovered += to - from.seq;
      // The epoch in between is of no use to anybody: every frame of a page has its own id.
      from = to === target.seq ? target : { seq: to, epoch: "" };
      await this.#settle(connection, waits);
    }
  }

  async #settle(connection: Connection, waits: Promise<number> | undefined): Promise<void> {
    if (waits === undefined || connection.closed) return;
    connection.pendingSince = this.#options.clock.now();
    this.#options.counters.slow++;
    try {
      await waits;
    } finally {
      // A closed one was counted out when it closed.
      if (!connection.closed) {
        connection.pendingSince = 0;
        this.#options.counters.slow--;
      }
    }
  }
}

/** What was added since: numbers subtract, except below `total`, where the present stands. */
function subtract(now: Json, before: Json | undefined): Json {
  if (typeof now === "number" && typeof before === "number") return now - before;
  if (!isObject(now) || !isObject(before)) return now;
  const difference: Record<string, Json> = {};
  for (const [key, value] of Object.entries(now))
    difference[key] = key === "total" ? value : subtract(value, before[key]);
  return difference;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
