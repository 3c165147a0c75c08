/**
 * The frontend: its parts, put together. What each of them does is in its own file.
 */

import {
  type ByteWriter,
  type ConnectionId,
  createMemoryPools,
  type Event,
  type FrontendId,
  frontendOf,
  GUEST_UPGRADED,
  type Identity,
  isDurable,
  Problem,
  type Topic,
  topicOf,
} from "@ovation/protocol";
import { Hub, type HubChannel } from "./broadcast/hub.ts";
import { IdleRelease } from "./broadcast/idle-release.ts";
import { ChangeRates, DEFAULT_CHANGES } from "./change-rates.ts";
import type { CloseReason, Connection } from "./connections/connection.ts";
import { Connections, type ConnectRequest } from "./connections/connections.ts";
import { Evictor } from "./connections/evictor.ts";
import { Heartbeats } from "./connections/heartbeats.ts";
import { identitiesOf, Presence } from "./connections/presence.ts";
import { TokenExpiries } from "./connections/token-expiries.ts";
import { type Counters, createCounters } from "./counters.ts";
import { Departures } from "./departures.ts";
import type { FrontendOptions } from "./frontend-options.ts";
import { endGuest, GuestChecks } from "./guest-checks.ts";
import { LIFETIME_MAX_MS, LIFETIME_MIN_MS, PASSED_POLL_MS, STUCK_MS } from "./limits.ts";
import { CatchUp } from "./recovery/catch-up.ts";
import { LogEpoch } from "./recovery/log-epoch.ts";
import { LogReads } from "./recovery/log-reads.ts";
import { PositionChecks } from "./recovery/position-checks.ts";
import { Recovery } from "./recovery/recovery.ts";
import { Repair } from "./recovery/repair.ts";
import { Replay } from "./recovery/replay.ts";
import { DEFAULT_REPLAY, ReplayBudget } from "./recovery/replay-budget.ts";
import { ReplayPoints } from "./recovery/replay-point.ts";
import { ReplayTurns } from "./recovery/replay-turns.ts";
import { ResumePoints } from "./recovery/resume-points.ts";
import { Subscriptions } from "./subscriptions.ts";
import { DEFAULT_TOPICS, TopicShares } from "./topic-shares.ts";
import { Membership } from "./upstream/membership.ts";
import { Probe } from "./upstream/probe.ts";
import { Reporter } from "./upstream/reporter.ts";
import { sleep } from "./upstream/retry.ts";
import type { ConnectionChange, ConnectionChangeResult, Inbox } from "./upstream/upstream.ts";

export class Frontend implements Inbox {
  readonly id: FrontendId;
  readonly counters: Counters = createCounters();
  readonly hub: Hub;
  readonly membership: Membership;
  readonly probe: Probe;
  readonly guests: GuestChecks;

  readonly #options: FrontendOptions;
  readonly #connections: Connections;
  readonly #subscriptions: Subscriptions;
  readonly #expiries: TokenExpiries;
  readonly #shares: TopicShares;
  readonly #evictor: Evictor;
  readonly #rates: ChangeRates;
  readonly #repair: Repair;
  readonly #recovery: Recovery;
  readonly #reporter: Reporter;
  readonly #logEpoch: LogEpoch;
  readonly #heartbeats: Heartbeats;
  readonly #presence: Presence;
  readonly #idleRelease: IdleRelease;

  constructor(options: FrontendOptions) {
    this.#options = options;
    this.id = options.id;
    const soon = options.soon ?? ((run: () => void) => void setImmediate(run));
    const { upstream, clock, steady = clock, random, onFailure } = options;
    const { counters } = this;
    this.guests = new GuestChecks({ upstream, soon });
    const elapsed = options.elapsed ?? (() => performance.now());
    this.probe = new Probe({ topic: topicOf("frontend", options.id), upstream, clock, elapsed });
    this.hub = new Hub({
      frontend: options.id,
      policy: options.policy,
      clock,
      steady,
      counters,
      sender: options.sender,
      soon,
      elapsed,
      onMissing: (channel, seq) => void this.#repair.reach(channel, seq),
      onOtherEpoch: (channel) => void this.#repair.verify(channel),
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
      onRepaired: ({ type, topic }) => type === GUEST_UPGRADED && this.#endGuest(topic),
      onUnrepairable: (channel) => this.#reset(channel),
      onFailure,
    });
    const catchUp = new CatchUp({ ...options, frontend: options.id, hub, repair: this.#repair });
    this.membership = new Membership({
      hub,
      upstream,
      ownTopic: topicOf("frontend", options.id),
      clock: steady,
      random,
      soon,
      onHead: (channel, seq) => void this.#repair.reach(channel, seq),
      onForgotten: (channel) => this.#shares.forgotten(channel),
      onFailure,
      ...(options.lingerMs === undefined ? {} : { lingerMs: options.lingerMs }),
    });
    const reads = new LogReads();
    const pools = options.pools ?? createMemoryPools(steady);
    this.#shares = new TopicShares({
      hub,
      pools,
      limits: options.topics ?? DEFAULT_TOPICS,
      forgetIdle: (count) => this.membership.forgetIdle(count),
      evict: (group) => this.#evictor.evict(group),
    });
    this.#rates = new ChangeRates(options.changes ?? DEFAULT_CHANGES, steady, pools);
    const budget = new ReplayBudget(options.replay ?? DEFAULT_REPLAY, pools);
    this.#recovery = new Recovery({
      hub,
      replay: new Replay({ upstream, reads, clock: steady, counters }),
      points: new ReplayPoints({ frontend: options.id, hub, clock: steady }),
      turns: new ReplayTurns({ soon, elapsed }),
      budget,
      clock,
      steady,
      counters,
      onBehind: (connection) => this.end(connection, "behind"),
      onFailed: (connection, error) => {
        onFailure("recovery", error);
        this.#connections.fail(connection, error);
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
    this.#logEpoch = new LogEpoch({
      hub,
      upstream,
      clock,
      random,
      beginReports: () => this.#reporter.restart(),
      compareHeads: () => this.#compareHeads(),
      onFailure,
    });
    this.#idleRelease = new IdleRelease({
      hub,
      clock,
      elapsed,
      ...(options.quietMs === undefined ? {} : { quietMs: options.quietMs }),
    });
    this.#presence = new Presence({
      clock,
      soon,
      upstream,
      identities: () => identitiesOf(this.connections.values()),
      onFailure,
    });
    this.#heartbeats = new Heartbeats({
      clock,
      steady,
      heartbeatMs: options.heartbeatMs,
      stuckMs: options.stuckMs ?? STUCK_MS,
      end: (connection, reason) => this.end(connection, reason),
      pend: (connection, drained) => hub.pump.pend(connection, drained),
    });
    this.#expiries = new TokenExpiries({
      clock,
      steady,
      onExpired: (connection) => this.end(connection, "token-expired"),
    });
    this.#subscriptions = new Subscriptions({
      ...options,
      hub,
      membership: this.membership,
      expiries: this.#expiries,
      shares: this.#shares,
      rates: this.#rates,
    });
    this.#connections = new Connections({
      ...options,
      steady,
      frontend: options.id,
      hub,
      membership: this.membership,
      subscriptions: this.#subscriptions,
      expiries: this.#expiries,
      shares: this.#shares,
      rates: this.#rates,
      guests: this.guests,
      resumePoints: new ResumePoints({
        frontend: options.id,
        checks: new PositionChecks({ upstream, clock: steady, reads, hub }),
        catchUp,
        budget,
      }),
      recovery: this.#recovery,
      heartbeats: this.#heartbeats,
      presence: this.#presence,
      departures: new Departures(steady),
      counters,
      lifetime: () => options.lifetimeMs ?? { min: LIFETIME_MIN_MS, max: LIFETIME_MAX_MS },
      onReplayLost: (channel) => void this.#repair.verify(channel),
    });
    this.#evictor = new Evictor({
      connections: this.connections,
      clock: steady,
      end: (connection) => this.end(connection, "evicted"),
    });
  }

  /** Begins the frontend's own work: the lease, the reports, the heartbeats. */
  start(): void {
    void this.membership.keepLease();
    void this.#reporter.run(() => this.membership.begin());
    this.#heartbeats.start();
    void this.probe.run();
    this.#presence.start();
    this.#idleRelease.start();
  }

  /**
   * Resets topics of which something is not in the log, and resolves when the others have all that
   * the log has.
   */
  async #compareHeads(): Promise<void> {
    const expected = (await this.membership.refresh()).flatMap((head) => {
      const channel = this.hub.channel(head.topic);
      if (channel?.joined === true && head.seq < channel.seq) void this.#repair.verify(channel);
      return this.#reporter.expect(head) ?? [];
    });
    await this.#repair.verified();
    while (!expected.every((one) => one.isBroadcast()))
      await sleep(this.#options.clock, PASSED_POLL_MS);
  }

  /** An event of a topic that nobody here has. */
  #unwanted(event: Event): void {
    if (this.probe.take(event)) {
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
    for (const { type, topic } of events) if (type === GUEST_UPGRADED) this.#endGuest(topic);
  }

  #endGuest(topic: Topic): void {
    endGuest(this.hub.channel(topic), (connection) => this.end(connection, "token-expired"));
  }

  get connections(): Map<ConnectionId, Connection> {
    return this.#connections.byId;
  }

  /**
   * Throws where a token, which was taken within the tolerance for clocks, has expired here already: what it
   * would open would end at once, and an EventSource would come back with it again and again.
   */
  requireUnexpired(identity: Identity | undefined): void {
    if (this.#options.clock.now() >= (identity?.expiresAt ?? Number.POSITIVE_INFINITY))
      throw new Problem("token-expired");
  }

  /** See `Connections.admit`. */
  admit(request: ConnectRequest): Connection {
    return this.#connections.admit(request);
  }

  open(connection: Connection, writer: ByteWriter, request: ConnectRequest): Promise<void> {
    return this.#connections.open(connection, writer, request);
  }

  closed(connection: Connection, reason: CloseReason): void {
    this.#connections.closed(connection, reason);
  }

  end(connection: Connection, reason: CloseReason): void {
    this.#connections.end(connection, reason);
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

  /** Topics that count for the address, over all workers. */
  topicsOf(address: string): number {
    return this.#shares.held(address);
  }

  /** Throws where the address names connections, of any frontend, faster than it may. */
  takeChangeRequest(address: string): void {
    if (this.#rates.takeRequest(address)) return;
    throw new Problem("rate-limited", "too many changes of subscriptions from this address", {
      retryAfterMs: this.#rates.retryAfterMs,
    });
  }

  /** A token of `change.sub` allowed the topics, at the frontend that passes the change on. */
  async changeHere(change: ConnectionChange): Promise<ConnectionChangeResult> {
    const connection = this.connections.get(change.connection);
    if (connection === undefined) return { ok: false, error: "unknown-connection" };
    return this.#subscriptions.change(connection, change);
  }

  /** What this frontend knows of the topic is not true any more: its viewers come back and are told from where. */
  #reset(channel: HubChannel): void {
    // Two noticed at the same time: the topic may have another channel by now.
    if (this.hub.channel(channel.topic) !== channel) return;
    for (const subscription of [...channel.subscriptions])
      if (subscription !== null) this.end(subscription.connection, "reset");
    this.hub.forget(channel);
    this.#shares.forgotten(channel);
    // They may come back elsewhere.
    this.membership.unwanted(channel.topic);
  }

  /** See `Connections.drain`. */
  drain(withinMs: number, perSecond: number): Promise<void> {
    return this.#connections.drain(withinMs, perSecond);
  }

  async stop(): Promise<void> {
    this.#reporter.stop();
    this.#logEpoch.stop();
    this.probe.stop();
    this.#heartbeats.stop();
    this.#presence.stop();
    this.#idleRelease.stop();
    this.#expiries.stop();
    await this.membership.stop();
  }
}
