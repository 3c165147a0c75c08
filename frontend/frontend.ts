/**
 * The frontend: holds connections and gives each what its topics say. Put together here; what it does
 * is in the files that it puts together.
 */

import {
  type ByteWriter,
  type Clock,
  type ConnectionId,
  type DirectSender,
  type Event,
  type FrontendId,
  formatFrame,
  formatReconnect,
  frontendOf,
  type Identity,
  isDurable,
  isOwnTopic,
  type Policy,
  type Position,
  Problem,
  TOPICS_PER_CONNECTION_MAX,
  type Topic,
  type TopicPosition,
  topicOf,
} from "@ovation/protocol";
import { Canary } from "./canary.ts";
import { CatchUp } from "./catch-up.ts";
import type { Channel } from "./channel.ts";
import { type ClaimAnswers, shareClaims, startAtHead, startOf } from "./claims.ts";
import { type CloseReason, Connection, type Subscription } from "./connection.ts";
import { createConnectionId } from "./connection-id.ts";
import { Cooling } from "./cooling.ts";
import { type Counters, createCounters } from "./counters.ts";
import { Heartbeats } from "./heartbeats.ts";
import { Hub } from "./hub.ts";
import { LIFETIME_MAX_MS, LIFETIME_MIN_MS, RETURN_SPREAD_MS, STUCK_MS } from "./limits.ts";
import { Membership } from "./membership.ts";
import { membersOf, Presence } from "./presence.ts";
import { Recovery } from "./recovery.ts";
import { Repair } from "./repair.ts";
import { formatStandings, Replay, ReplayLostError } from "./replay.ts";
import { Reporter } from "./reporter.ts";
import type { ConnectionChange, ConnectionChangeResult, Inbox, Upstream } from "./upstream.ts";
import type { WireForm } from "./wire-form.ts";

/** Nobody's network is back at once: an EventSource waits at least this share of the spread. */
const RETURN_FLOOR = 0.1;

/** Whether somebody may subscribe to a topic: the policy of its kind, and what the video says. */
export type Authorize = (
  identity: Identity | undefined,
  topic: Topic,
) => boolean | Promise<boolean>;

export interface FrontendOptions {
  readonly id: FrontendId;
  readonly upstream: Upstream;
  readonly policy: Policy;
  readonly authorize: Authorize;
  readonly clock: Clock;
  readonly random: () => number;
  /** Writes broadcasts to the sockets of connections that have one; without it, each by its own writer. */
  readonly sender?: DirectSender | undefined;
  /** Runs something one turn of the event loop later. Default `setImmediate`. */
  soon?(run: () => void): void;
  /** ms since some moment, with fractions: what the length of broadcasts is measured with. Default `performance.now`. */
  elapsed?(): number;
  /** Resolves when all that dispatchers had sent before has arrived. Absent in one process: nothing is under way there. */
  arrived?(): Promise<void>;
  readonly heartbeatMs: number;
  readonly reportMs?: number;
  readonly lingerMs?: number;
  /** A topic without an event for this long forgets its recent ones. Default QUIET_MS. */
  readonly quietMs?: number;
  readonly lifetimeMs?: { readonly min: number; readonly max: number };
  /** A connection whose write stays pending this long is cut. Default STUCK_MS. */
  readonly stuckMs?: number;
  /** Once for every admitted connection, whoever ended it and whether or not it ever opened. */
  onClosed?(connection: Connection): void;
  /** A failure that the frontend goes on from: it is logged. */
  onFailure(what: string, error: unknown): void;
}

export interface ConnectRequest {
  readonly topics: readonly Topic[];
  readonly identity: Identity | undefined;
  readonly position: Position | undefined;
  readonly form: WireForm;
  readonly address: string;
}

export class Frontend implements Inbox {
  readonly id: FrontendId;
  readonly counters: Counters = createCounters();
  readonly connections = new Map<ConnectionId, Connection>();
  readonly hub: Hub;
  readonly membership: Membership;
  readonly canary: Canary;

  readonly #options: FrontendOptions;
  readonly #claims: ClaimAnswers;
  readonly #repair: Repair;
  readonly #recovery: Recovery;
  readonly #catchUp: CatchUp;
  readonly #reporter: Reporter;
  readonly #heartbeats: Heartbeats;
  readonly #presence: Presence;
  readonly #cooling: Cooling;

  constructor(options: FrontendOptions) {
    this.#options = options;
    this.id = options.id;
    const soon = options.soon ?? ((run: () => void) => void setImmediate(run));
    const { upstream, clock, random, onFailure } = options;
    this.#claims = shareClaims(upstream, clock);
    const { counters } = this;
    const elapsed = options.elapsed ?? (() => performance.now());
    this.canary = new Canary({ topic: topicOf("frontend", options.id), upstream, clock, elapsed });
    this.hub = new Hub({
      frontend: options.id,
      policy: options.policy,
      clock,
      counters,
      sender: options.sender,
      soon,
      elapsed,
      onMissing: (channel) => void this.#repair.reach(channel, channel.seq),
      onOtherLife: (channel) => void this.#repair.verify(channel),
      onUnwanted: (event) => this.#unwanted(event),
      onOvertaken: ({ connection }) => this.#recovery.overtaken(connection),
    });
    const { hub } = this;
    this.#repair = new Repair({
      hub,
      upstream,
      clock,
      random,
      counters,
      onUnrepairable: (channel) => this.#reset(channel),
      onFailure,
    });
    this.#catchUp = new CatchUp({ ...options, frontend: options.id, hub, repair: this.#repair });
    this.membership = new Membership({
      hub,
      upstream,
      ownTopic: topicOf("frontend", options.id),
      clock,
      random,
      soon,
      onHead: (channel, seq) => void this.#repair.reach(channel, seq),
      onFailure,
      ...(options.lingerMs === undefined ? {} : { lingerMs: options.lingerMs }),
    });
    this.#recovery = new Recovery({
      hub,
      replay: new Replay({ upstream, clock, counters }),
      clock,
      counters,
      onFailed: (connection, error) => {
        onFailure("recovery", error);
        this.#fail(connection, error);
      },
    });
    this.#reporter = new Reporter({
      hub,
      upstream,
      repair: this.#repair,
      clock,
      onFailure,
      ...(options.reportMs === undefined ? {} : { reportMs: options.reportMs }),
    });
    this.#cooling = new Cooling({
      hub,
      clock,
      elapsed,
      ...(options.quietMs === undefined ? {} : { quietMs: options.quietMs }),
    });
    this.#presence = new Presence({
      clock,
      soon,
      upstream,
      members: () => membersOf(this.connections.values()),
      onFailure,
    });
    this.#heartbeats = new Heartbeats({
      clock,
      heartbeatMs: options.heartbeatMs,
      stuckMs: options.stuckMs ?? STUCK_MS,
      end: (connection, reason) => this.end(connection, reason),
      pend: (connection, drained) => hub.pend(connection, drained),
    });
  }

  /** Begins the frontend's own work: the lease, the reports, the heartbeats. */
  start(): void {
    void this.membership.keepLease();
    void this.#reporter.run(() => this.membership.begin());
    this.#heartbeats.start();
    void this.canary.run();
    this.#presence.start();
    this.#cooling.start();
  }

  /** An event of a topic that nobody here has. */
  #unwanted(event: Event): void {
    if (this.canary.take(event)) {
      // Not a viewer's: the balance of the hops is theirs.
      this.counters.dispatched--;
      return;
    }
    this.counters.unwanted++;
    if (isDurable(event)) this.counters.durable.unwanted++;
    this.membership.unwanted(event.topic);
  }

  dispatch(events: readonly Event[]): void {
    this.hub.dispatch(events);
  }

  /** A connection that has not begun: `open` it when its stream can be written to. */
  admit(request: ConnectRequest): Connection {
    const { clock, random } = this.#options;
    const lifetime = this.#options.lifetimeMs ?? { min: LIFETIME_MIN_MS, max: LIFETIME_MAX_MS };
    const endsAt = clock.now() + lifetime.min + random() * (lifetime.max - lifetime.min);
    return new Connection({
      id: createConnectionId(this.id),
      identity: request.identity,
      form: request.form,
      address: request.address,
      expiresAt: Math.min(endsAt, request.identity?.expiresAt ?? Number.POSITIVE_INFINITY),
    });
  }

  /** Subscribes, says the first event, sends what was missed, and opens the connection to the broadcast. */
  async open(
    connection: Connection,
    writer: ByteWriter,
    { topics, position }: ConnectRequest,
  ): Promise<void> {
    connection.attach(writer);
    this.connections.set(connection.id, connection);
    this.counters.connects++;
    this.#heartbeats.add(connection);
    if (connection.identity !== undefined && connection.identity.role !== "guest")
      this.#presence.came(connection.identity.sub);
    try {
      const channels = topics.map((topic) => this.hub.open(topic));
      for (const channel of channels) this.#subscribe(connection, channel);
      // All at once: what waits for its turn could be forgotten meanwhile, if the viewer goes.
      await this.membership.join(channels);
      await this.#catchUp.pass(position, channels);
      if (connection.closed) return;
      const standings = new Map<Channel, TopicPosition>();
      let told = "";
      for (const channel of channels) {
        const start =
          position === undefined
            ? startAtHead(channel)
            : startOf(channel, position, this.id, this.#claims);
        const { from, recovered } = start instanceof Promise ? await start : start;
        if (position !== undefined && recovered) await this.#catchUp.reach(channel, from.seq);
        standings.set(channel, from);
        // As text: with topics for keys, every topic of every connect would make the engine one more shape of objects.
        told += `${told === "" ? "" : ","}"${channel.topic}":{"head":${channel.batched.seq},"recovered":${recovered}}`;
        if (!recovered) this.counters.unrecovered++;
      }
      if (connection.closed) return;
      const first = `{"connectionId":"${connection.id}","heartbeatMs":${this.#options.heartbeatMs},"topics":{${told}}}`;
      // An EventSource that is cut comes back after what it was told last, so each is told another time: a
      // frontend that dies with all its viewers is not stormed by them.
      const retryMs = Math.round(
        RETURN_SPREAD_MS * (RETURN_FLOOR + this.#options.random() * (1 - RETURN_FLOOR)),
      );
      void connection.writeText(
        `retry: ${retryMs}\n${formatFrame(formatStandings(standings), "connection", first)}`,
      );
      await this.#recovery.run(connection, standings);
    } catch (error) {
      this.#options.onFailure("connect", error);
      this.#fail(connection, error);
    }
  }

  /** What was to be replayed may be of a life of the log that is over: then its topics start over, and not the same replay again. */
  #fail(connection: Connection, error: unknown): void {
    if (error instanceof ReplayLostError)
      for (const { channel } of connection.subscriptions) void this.#repair.verify(channel);
    this.end(connection, "error");
  }

  #subscribe(connection: Connection, channel: Channel): Subscription {
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
    return subscription;
  }

  #unsubscribe(subscription: Subscription): void {
    const { channel } = subscription;
    channel.remove(subscription);
    if (channel.subscribers === 0) this.membership.leave(channel);
  }

  /** The stream is gone, from either side. */
  closed(connection: Connection, reason: CloseReason): void {
    if (connection.closed) return;
    connection.closed = true;
    connection.update();
    if (connection.pendingSince !== 0) this.counters.slow--;
    this.counters.closes[reason] = (this.counters.closes[reason] ?? 0) + 1;
    this.connections.delete(connection.id);
    this.#heartbeats.remove(connection);
    for (const subscription of connection.subscriptions) this.#unsubscribe(subscription);
    connection.subscriptions = [];
    connection.lags = undefined;
    this.#options.onClosed?.(connection);
  }

  /**
   * Ends a connection politely: the client is told when to come back (spread out, so that nobody comes
   * in step), and keeps its position.
   */
  end(connection: Connection, reason: CloseReason): void {
    if (connection.closed) return;
    const afterMs = Math.round(
      reason === "token-expired" ? 0 : this.#options.random() * RETURN_SPREAD_MS,
    );
    const { writer } = connection;
    const takesNothing = connection.pendingSince !== 0;
    if (!takesNothing) void connection.writeText(formatReconnect(afterMs, reason));
    this.closed(connection, reason);
    // A clean end waits for the peer to read what is before it, which this one does not: its bytes and
    // its socket would stay for as long as it likes.
    if (takesNothing) writer?.cut();
    else writer?.end();
  }

  /** Changes the subscriptions of an open connection, here or at the frontend that holds it. */
  async change(
    change: ConnectionChange,
    identity: Identity | undefined,
  ): Promise<ConnectionChangeResult> {
    if (frontendOf(change.connection) === this.id) return this.changeHere(change);
    if (change.sub !== (identity?.sub ?? "")) throw new Problem("forbidden");
    return this.#options.upstream.changeConnection(change);
  }

  /** The topics were allowed to `change.sub` by whoever passes the change on. */
  async changeHere(change: ConnectionChange): Promise<ConnectionChangeResult> {
    const connection = this.connections.get(change.connection);
    if (connection === undefined) return { ok: false, error: "unknown-connection" };
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
    const channels = await this.#joinAll(change.add);
    if (connection.closed) return { ok: false, error: "unknown-connection" };
    // It waited for the table, and its client did not wait for it.
    if (isSuperseded()) return { ok: false, error: "superseded" };
    const heads = channels.map((channel) => {
      if (!connection.subscriptions.some((subscription) => subscription.channel === channel))
        this.#subscribe(connection, channel);
      return {
        topic: channel.topic,
        seq: channel.batched.seq,
        epoch: channel.batched.epoch,
        first: 1,
      };
    });
    return { ok: true, heads };
  }

  /** A channel without a subscriber may be forgotten while the others join: then it is opened again. */
  async #joinAll(topics: readonly Topic[]): Promise<readonly Channel[]> {
    for (;;) {
      const channels = topics.map((topic) => this.hub.open(topic));
      await this.membership.join(channels);
      if (channels.every((channel) => this.hub.channel(channel.topic) === channel)) return channels;
    }
  }

  #drop(connection: Connection, topic: Topic): void {
    const subscription = connection.subscriptions.find(({ channel }) => channel.topic === topic);
    if (subscription === undefined) return;
    if (connection.identity !== undefined && isOwnTopic(connection.identity, topic)) return;
    connection.subscriptions = connection.subscriptions.filter((other) => other !== subscription);
    connection.lags?.delete(subscription);
    connection.update();
    this.#unsubscribe(subscription);
  }

  /** What this frontend knows of the topic is not true any more: its viewers come back and are told from where. */
  #reset(channel: Channel): void {
    // Two who noticed at the same time: the topic may have a new channel by now, which is none of theirs.
    if (this.hub.channel(channel.topic) !== channel) return;
    for (const subscription of [...channel.subscriptions])
      if (subscription !== null) this.end(subscription.connection, "reset");
    this.hub.forget(channel);
    // They may come back elsewhere.
    this.membership.unwanted(channel.topic);
  }

  /**
   * Asks everybody to come back elsewhere, at most `perSecond` of them a second, until nobody is left
   * or `withinMs` has passed; whoever is left then is ended at once.
   */
  async drain(withinMs: number, perSecond: number): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + withinMs;
    const stepMs = 50;
    const perStep = Math.max(
      1,
      Math.ceil((perSecond * stepMs) / 1000),
      Math.ceil((this.connections.size * stepMs) / Math.max(stepMs, withinMs)),
    );
    while (this.connections.size > 0 && clock.now() < until) {
      for (const connection of [...this.connections.values()].slice(0, perStep))
        this.end(connection, "drain");
      if (this.connections.size > 0)
        await new Promise<void>((resolve) => clock.after(stepMs, resolve));
    }
    for (const connection of [...this.connections.values()]) this.end(connection, "drain");
  }

  async stop(): Promise<void> {
    this.#reporter.stop();
    this.canary.stop();
    this.#heartbeats.stop();
    this.#presence.stop();
    this.#cooling.stop();
    await this.membership.stop();
  }
}
