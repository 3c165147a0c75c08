/** The frontend: wires the feed, which brings events, to the connections, which get them. */

import {
  type ByteWriter,
  type Clock,
  type ConnectionId,
  createMemoryPools,
  type Event,
  type FrontendId,
  frontendOf,
  type Identity,
  Problem,
} from "@ovation/protocol";
import type { Hub, HubChannel } from "./broadcast/hub.ts";
import { ChangeRates, DEFAULT_CHANGES } from "./change-rates.ts";
import { Admission, DEFAULT_ADMISSION, type Refusal } from "./connections/admission.ts";
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
import { LIFETIME_MAX_MS, LIFETIME_MIN_MS, STUCK_MS } from "./limits.ts";
import { CatchUp } from "./recovery/catch-up.ts";
import { LogReads } from "./recovery/log-reads.ts";
import { PositionChecks } from "./recovery/position-checks.ts";
import { Recovery } from "./recovery/recovery.ts";
import { Replay } from "./recovery/replay.ts";
import { DEFAULT_REPLAY, ReplayBudget } from "./recovery/replay-budget.ts";
import { ReplayPoints } from "./recovery/replay-point.ts";
import { ReplayTurns } from "./recovery/replay-turns.ts";
import { ResumePoints } from "./recovery/resume-points.ts";
import { Subscriptions } from "./subscriptions.ts";
import { DEFAULT_TOPICS, TopicShares } from "./topic-shares.ts";
import { Feed } from "./upstream/feed.ts";
import type { Membership } from "./upstream/membership.ts";
import type { Probe } from "./upstream/probe.ts";
import type { ConnectionChange, ConnectionChangeResult, Inbox } from "./upstream/upstream.ts";

export class Frontend implements Inbox {
  readonly id: FrontendId;
  readonly counters: Counters = createCounters();
  readonly guests: GuestChecks;
  readonly admission: Admission;

  readonly #options: FrontendOptions;
  readonly #feed: Feed;
  readonly #connections: Connections;
  readonly #subscriptions: Subscriptions;
  readonly #expiries: TokenExpiries;
  readonly #shares: TopicShares;
  readonly #rates: ChangeRates;
  readonly #recovery: Recovery;
  readonly #heartbeats: Heartbeats;
  readonly #presence: Presence;

  constructor(given: FrontendOptions) {
    const options = withDefaults(given);
    const { steady, pools, replay, topics, changes } = options;
    const { counters } = this;
    this.#options = given;
    this.id = options.id;
    this.guests = new GuestChecks(options);
    this.#feed = new Feed({
      ...options,
      frontend: options.id,
      counters,
      onForgotten: (channel) => this.#shares.forgotten(channel),
      onReset: (channel) => this.#endAll(channel),
      onGuestUpgraded: (topic) =>
        endGuest(this.hub.channel(topic), (connection) => this.end(connection, "token-expired")),
      onOvertaken: ({ connection }) => this.#recovery.overtaken(connection),
    });
    const { hub, repair, membership } = this.#feed;
    const wired = { ...options, frontend: options.id, counters, hub, membership };
    const [topicEvictor, connectionEvictor] = [this.#evictor(steady), this.#evictor(steady)];
    this.#shares = new TopicShares({
      ...wired,
      limits: topics,
      forgetIdle: (count) => membership.forgetIdle(count),
      evict: (group) => topicEvictor.evict(group),
    });
    this.admission = new Admission(options.admission, steady, {
      pools,
      evict: (address) => connectionEvictor.evict(address),
    });
    this.#rates = new ChangeRates(changes, steady, pools);
    const budget = new ReplayBudget(replay, pools);
    const reads = new LogReads();
    this.#recovery = new Recovery({
      ...wired,
      replay: new Replay({ ...wired, reads, clock: steady }),
      points: new ReplayPoints({ ...wired, clock: steady }),
      turns: new ReplayTurns(options),
      budget,
      onBehind: (connection) => this.end(connection, "behind"),
      onFailed: (connection, error) => this.#failRecovery(connection, error),
    });
    this.#presence = new Presence({
      ...options,
      identities: () => identitiesOf(this.connections.values()),
    });
    this.#heartbeats = new Heartbeats({
      ...options,
      end: (connection, reason) => this.end(connection, reason),
      pend: (connection, drained) => hub.pump.pend(connection, drained),
    });
    this.#expiries = new TokenExpiries({
      ...options,
      onExpired: (connection) => this.end(connection, "token-expired"),
    });
    const viewerParts = { expiries: this.#expiries, shares: this.#shares, rates: this.#rates };
    this.#subscriptions = new Subscriptions({ ...wired, ...viewerParts });
    this.#connections = new Connections({
      ...wired,
      ...viewerParts,
      admission: this.admission,
      subscriptions: this.#subscriptions,
      guests: this.guests,
      resumePoints: new ResumePoints({
        frontend: options.id,
        checks: new PositionChecks({ ...wired, clock: steady, reads }),
        catchUp: new CatchUp({ ...wired, repair }),
        budget,
      }),
      recovery: this.#recovery,
      heartbeats: this.#heartbeats,
      presence: this.#presence,
      departures: new Departures(steady),
      // Read at each admission: the simulation changes it while the frontend runs.
      lifetime: () => given.lifetimeMs ?? { min: LIFETIME_MIN_MS, max: LIFETIME_MAX_MS },
      onReplayLost: (channel) => void repair.verify(channel),
    });
  }

  #evictor(clock: Clock): Evictor {
    return new Evictor({
      connections: () => this.connections.values(),
      clock,
      end: (connection) => this.end(connection, "evicted"),
    });
  }

  #failRecovery(connection: Connection, error: unknown): void {
    this.#options.onFailure("recovery", error);
    this.#connections.fail(connection, error);
  }

  start(): void {
    this.#feed.start();
    this.#heartbeats.start();
    this.#presence.start();
  }

  async stop(): Promise<void> {
    this.#heartbeats.stop();
    this.#presence.stop();
    this.#expiries.stop();
    await this.#feed.stop();
  }

  get hub(): Hub {
    return this.#feed.hub;
  }

  get membership(): Membership {
    return this.#feed.membership;
  }

  get probe(): Probe {
    return this.#feed.probe;
  }

  get connections(): Map<ConnectionId, Connection> {
    return this.#connections.byId;
  }

  dispatch(events: readonly Event[]): void {
    this.#feed.dispatch(events);
  }

  /**
   * Throws where a token, valid within the tolerance for clocks, has expired by this clock: the
   * stream would end at once, and an EventSource would retry with the same token for ever.
   */
  requireUnexpired(identity: Identity | undefined): void {
    if (this.#options.clock.now() >= (identity?.expiresAt ?? Number.POSITIVE_INFINITY))
      throw new Problem("token-expired");
  }

  /** See `Connections.admit`. */
  admit(request: ConnectRequest): Connection | Refusal {
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

  /** See `Connections.drain`. */
  drain(withinMs: number, perSecond: number): Promise<void> {
    return this.#connections.drain(withinMs, perSecond);
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

  /** The frontend that received the request has authorized the topics for `change.sub`. */
  async changeHere(change: ConnectionChange): Promise<ConnectionChangeResult> {
    const connection = this.connections.get(change.connection);
    if (connection === undefined) return { ok: false, error: "unknown-connection" };
    return this.#subscriptions.change(connection, change);
  }

  /** Topics that count for the address, over all workers. */
  topicsOf(address: string): number {
    return this.#shares.held(address);
  }

  /** Throws where the address sends change requests, for any connection, faster than it may. */
  takeChangeRequest(address: string): void {
    if (this.#rates.takeRequest(address)) return;
    throw new Problem("rate-limited", "too many changes of subscriptions from this address", {
      retryAfterMs: this.#rates.retryAfterMs,
    });
  }

  #endAll(channel: HubChannel): void {
    for (const subscription of [...channel.subscriptions])
      if (subscription !== null) this.end(subscription.connection, "reset");
  }
}

function withDefaults(options: FrontendOptions) {
  const { steady = options.clock } = options;
  return {
    soon: (run: () => void) => void setImmediate(run),
    elapsed: () => performance.now(),
    stuckMs: STUCK_MS,
    pools: createMemoryPools(steady),
    admission: DEFAULT_ADMISSION,
    replay: DEFAULT_REPLAY,
    topics: DEFAULT_TOPICS,
    changes: DEFAULT_CHANGES,
    ...options,
    steady,
  };
}
