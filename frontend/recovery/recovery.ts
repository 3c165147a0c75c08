/**
 * Recovery: makes a connection complete, when a client returns with a position, and when the ring
 * has evicted what a slow connection lacks.
 *
 * Subscribe first, then recover, so that no event is lost between the two: batches made meanwhile
 * wait in the ring (`Subscription.next`). When the ring evicts one of them, another round follows.
 */

import {
  type Clock,
  type DurableEvent,
  formatFrame,
  type Json,
  type TopicPosition,
  toJsonText,
} from "@ovation/protocol";
import type { Channel } from "../broadcast/channel.ts";
import type { Hub, HubSubscription } from "../broadcast/hub.ts";
import type { Connection, Lag } from "../connections/connection.ts";
import type { Counters } from "../counters.ts";
import type { Missed } from "../departures.ts";
import { LOG_PAGE_EVENTS, RECOVERY_ROUNDS_MAX } from "../limits.ts";
import { type PageBytes, type Replay, ReplayLostError } from "./replay.ts";
import type { ReplayBudget } from "./replay-budget.ts";
import { formatOthers, type ReplayPoint, type ReplayPoints } from "./replay-point.ts";
import type { ReplayTurns } from "./replay-turns.ts";

export interface RecoveryOptions {
  readonly hub: Hub;
  readonly replay: Replay;
  readonly points: ReplayPoints;
  readonly turns: ReplayTurns;
  readonly budget: ReplayBudget;
  readonly clock: Clock;
  /** See `FrontendOptions.steady`. */
  readonly steady: Clock;
  readonly counters: Counters;
  /** Nothing can be done: the client connects again and is told so then. */
  onFailed(connection: Connection, error: unknown): void;
  /**
   * More is missing than one request may have replayed: the client reconnects and resumes, or is
   * told what it lost.
   */
  onBehind(connection: Connection): void;
}

/** One replay: how far it is. */
interface Run {
  readonly connection: Connection;
  readonly standings: Map<Channel, TopicPosition>;
  readonly point: ReplayPoint;
  bytes: number;
}

export class Recovery {
  readonly #options: RecoveryOptions;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Sends what is missing since `standings`, then opens the connection to the broadcast. */
  async run(connection: Connection, standings: Map<Channel, TopicPosition>): Promise<void> {
    connection.open = false;
    connection.update();
    if (missingOf(connection, standings) > 0) {
      const point = this.#options.points.pointFor(standings);
      await this.#rounds({ connection, standings, point, bytes: 0 });
    } else
      for (const subscription of connection.subscriptions)
        subscription.next = subscription.channel.nextBatch;
    if (connection.closed) return;
    // What was broadcast meanwhile was not for this connection, the number of viewers with it.
    for (const { channel } of connection.subscriptions)
      if (channel.announced !== undefined) channel.announced.unseen = true;
    connection.open = true;
    connection.update();
    this.#options.hub.pump.write(connection);
  }

  /**
   * A slow connection drained, but its place in the ring is gone: it skips forward, and is told
   * what it missed.
   */
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
      // Without a lag, it was subscribed while the connection was slow already: nothing was sent of
      // it.
      standings.set(subscription.channel, lags.get(subscription)?.position ?? subscription.start);
      if (subscription.channel.announced !== undefined)
        subscription.channel.announced.unseen = true;
    }
    if (!this.#options.budget.allows(connection.address, missingOf(connection, standings))) {
      // It returns, and is told then what it missed.
      connection.lags = lags;
      this.#options.onBehind(connection);
      return;
    }
    // A client that is cut off after one of these frames comes back with its id: it speaks of all
    // topics.
    const id = formatOthers(this.#options.points.pointFor(standings), standings);
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

  /**
   * Announces what earlier connections of the client did not get of the live lane, behind its first
   * event and before anything else.
   */
  announceMissed(
    connection: Connection,
    standings: ReadonlyMap<Channel, TopicPosition>,
    missed: ReadonlyMap<Channel, Missed>,
  ): void {
    if (missed.size === 0) return;
    const id = formatOthers(this.#options.points.pointFor(standings), standings);
    for (const [channel, { lost, from }] of missed)
      void connection.writeText(this.#gap(id, channel, lost, from));
  }

  #gap(id: string, channel: Channel, lost: number, from: number): string {
    const { clock, counters } = this.#options;
    const to = clock.now();
    counters.gaps++;
    counters.lostSlow += lost;
    const data = toJsonText({
      topic: channel.topic,
      at: to,
      data: { lost, from, to, reason: "slow" },
    });
    return formatFrame(id, "gap", data);
  }

  /** The live lane after a skip: how many were lost and why, and the sums of what merges. */
  #makeUp(id: string, channel: Channel, lag: Lag): string {
    const now = this.#options.clock.now();
    const envelope = (data: Json) => toJsonText({ topic: channel.topic, at: now, data });
    let text = "";
    const lost = (channel.buffer?.liveEvents ?? 0) - lag.liveEvents;
    if (lost > 0) text += this.#gap(id, channel, lost, lag.at);
    for (const [key, event] of channel.buffer?.sums ?? []) {
      const before = lag.sums.get(key);
      const data =
        before === undefined
          ? JSON.parse(event.data)
          : subtract(JSON.parse(event.data), JSON.parse(before.data));
      if (before?.data !== event.data) text += formatFrame(id, event.type, envelope(data));
    }
    return text;
  }

  async #rounds(run: Run): Promise<void> {
    const { connection } = run;
    this.#options.counters.recoveries++;
    for (let round = 0; round < RECOVERY_ROUNDS_MAX; round++) {
      for (const subscription of [...connection.subscriptions]) {
        await this.#catchUp(run, subscription);
        if (connection.closed) return;
      }
      // Complete when every topic continues from its ring.
      if (
        connection.subscriptions.every(
          ({ next, channel }) =>
            next >= channel.nextBatch || channel.buffer?.batch(next) !== undefined,
        )
      )
        return;
    }
    throw new ReplayLostError("the broadcast kept overtaking this replay");
  }

  async #catchUp(run: Run, subscription: HubSubscription): Promise<void> {
    const { replay, counters } = this.#options;
    const { connection, standings } = run;
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
      const page = await this.#page(run, channel, from.seq, to, target.seq - from.seq, wanted);
      if (page === undefined) return;
      counters.recovered += to - from.seq;
      // The epoch in between is of no use: every frame of a page has its own id.
      from = to === target.seq ? target : { seq: to, epoch: "" };
      standings.set(channel, from);
      await this.#settle(connection, page.waits);
    }
  }

  /**
   * Writes one page when it is the connection's turn. `undefined` where it is not wanted any more.
   */
  async #page(
    run: Run,
    channel: Channel,
    from: number,
    to: number,
    missing: number,
    wanted: () => boolean,
  ): Promise<{ readonly waits: Promise<number> | undefined } | undefined> {
    const { replay, turns } = this.#options;
    const { connection, standings, point } = run;
    const { address, form } = connection;
    const range = { channel, from, to, prefix: formatOthers(point, standings, channel) };
    let loaded: readonly DurableEvent[] | undefined;
    for (;;) {
      let page: PageBytes | undefined;
      let waits: Promise<number> | undefined;
      // A turn ends with the write: whether the socket takes it is waited for outside.
      await turns.take(address, missing <= LOG_PAGE_EVENTS, () => {
        if (!wanted()) return;
        page = replay.take(range, form, loaded);
        if (page !== undefined) waits = this.#write(run, page);
      });
      if (!wanted()) return undefined;
      if (page !== undefined) return { waits };
      loaded = await replay.load(address, range);
      if (!wanted()) return undefined;
    }
  }

  #write(run: Run, { bytes, isShared }: PageBytes): Promise<number> | undefined {
    const { budget } = this.#options;
    const { connection } = run;
    budget.charge(connection.address, bytes.length, isShared);
    const waits = connection.writeBytes(bytes);
    run.bytes += bytes.length;
    if (run.bytes > budget.limits.bytesPerRequest) this.#options.onBehind(connection);
    return waits;
  }

  async #settle(connection: Connection, waits: Promise<number> | undefined): Promise<void> {
    if (waits === undefined || connection.closed) return;
    connection.pendingSince = this.#options.steady.now();
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

/** Durable events that the connection has not had. */
export function missingOf(
  { subscriptions }: Connection,
  standings: ReadonlyMap<Channel, TopicPosition>,
): number {
  let missing = 0;
  for (const { channel, start } of subscriptions)
    missing += Math.max(0, channel.batched.seq - (standings.get(channel) ?? start).seq);
  return missing;
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
