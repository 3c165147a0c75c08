/**
 * Connections: each one from its admission to its end.
 *
 * `admit` → `open` (subscribe, first event, replay, broadcasts) → `end` from this side, or `closed`
 * when the client has disconnected. Every admitted connection leaves the admission in `closed`.
 */

import {
  type BroadcastPoint,
  type ByteWriter,
  type Clock,
  type ConnectionId,
  type FrontendId,
  formatFrame,
  formatReconnect,
  type Identity,
  type Position,
  type Topic,
  type TopicPosition,
} from "@ovation/protocol";
import type { Hub, HubChannel } from "../broadcast/hub.ts";
import type { ChangeRates } from "../change-rates.ts";
import type { Counters } from "../counters.ts";
import type { Departures, Missed } from "../departures.ts";
import type { GuestChecks } from "../guest-checks.ts";
import { RETURN_SPREAD_MS } from "../limits.ts";
import type { Recovery } from "../recovery/recovery.ts";
import { formatStandings, ReplayLostError } from "../recovery/replay.ts";
import { type ResumePoint, type ResumePoints, resumeAtHead } from "../recovery/resume-points.ts";
import type { Subscriptions } from "../subscriptions.ts";
import type { TopicShares } from "../topic-shares.ts";
import type { Membership } from "../upstream/membership.ts";
import type { Admission, Refusal } from "./admission.ts";
import { type CloseReason, Connection } from "./connection.ts";
import { createConnectionId } from "./connection-id.ts";
import type { Heartbeats } from "./heartbeats.ts";
import type { Presence } from "./presence.ts";
import type { TokenExpiries } from "./token-expiries.ts";
import type { WireForm } from "./wire-form.ts";

/** An EventSource waits at least this share of the spread: no network recovers at once. */
const RETURN_FLOOR = 0.1;
const DRAIN_STEP_MS = 50;

export interface ConnectRequest {
  readonly topics: readonly Topic[];
  readonly identity: Identity | undefined;
  readonly position: Position | undefined;
  /** The point of the last event received, where `position` lists topics instead. */
  readonly seen?: BroadcastPoint | undefined;
  readonly form: WireForm;
  readonly address: string;
}

export interface ConnectionsOptions {
  readonly frontend: FrontendId;
  readonly admission: Admission;
  readonly hub: Hub;
  readonly membership: Membership;
  readonly subscriptions: Subscriptions;
  readonly expiries: TokenExpiries;
  readonly shares: TopicShares;
  readonly rates: ChangeRates;
  readonly resumePoints: ResumePoints;
  readonly guests: GuestChecks;
  readonly recovery: Recovery;
  readonly heartbeats: Heartbeats;
  readonly presence: Presence;
  readonly departures: Departures;
  readonly counters: Counters;
  readonly steady: Clock;
  readonly random: () => number;
  readonly heartbeatMs: number;
  /** A connection that is admitted now lasts a random time between these. */
  lifetime(): { readonly min: number; readonly max: number };
  /** A replay of the topic failed: the log may have been restored. */
  onReplayLost(channel: HubChannel): void;
  onFailure(what: string, error: unknown): void;
}

export class Connections {
  readonly byId = new Map<ConnectionId, Connection>();
  readonly #options: ConnectionsOptions;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /**
   * `open` the connection when its stream can be written to. Otherwise, `closed` gives its slot
   * back.
   */
  admit(request: ConnectRequest): Connection | Refusal {
    const { admission, steady, random, frontend, lifetime } = this.#options;
    const refusal = admission.enter(request.address);
    if (refusal !== undefined) return refusal;
    const { min, max } = lifetime();
    return new Connection({
      id: createConnectionId(frontend),
      identity: request.identity,
      form: request.form,
      address: request.address,
      endsAt: steady.now() + min + random() * (max - min),
    });
  }

  /**
   * Subscribes, writes the first event and the replay, then lets broadcasts reach the connection.
   */
  async open(connection: Connection, writer: ByteWriter, request: ConnectRequest): Promise<void> {
    const { topics, position } = request;
    const { membership, subscriptions, shares, resumePoints, recovery, onFailure } = this.#options;
    this.#begin(connection, writer);
    try {
      if (!this.#mayHave(connection, topics)) {
        this.end(connection, "refused");
        return;
      }
      const channels = topics.map((topic) => shares.open(topic, connection.address));
      for (const channel of channels) subscriptions.add(connection, channel);
      // All at once: if the client disconnects, a topic that waits could be forgotten meanwhile.
      await membership.join(channels);
      if (await this.#options.guests.isUpgradedMeanwhile(connection.identity, channels)) {
        this.end(connection, "token-expired");
        return;
      }
      const points =
        position === undefined ? undefined : await resumePoints.of(connection, channels, position);
      if (connection.closed) return;
      const standings = this.#greet(connection, channels, points);
      recovery.announceMissed(connection, standings, this.#missedOf(connection, channels, request));
      await recovery.run(connection, standings);
    } catch (error) {
      onFailure("connect", error);
      this.fail(connection, error);
    }
  }

  /** Live events that an earlier connection of the client missed. */
  #missedOf(
    connection: Connection,
    channels: readonly HubChannel[],
    { seen, position }: ConnectRequest,
  ): ReadonlyMap<HubChannel, Missed> {
    const { departures, frontend } = this.#options;
    const point = seen ?? position?.point;
    const missed = new Map<HubChannel, Missed>();
    if (point?.frontend !== frontend) return missed;
    for (const channel of channels) {
      const missedOfTopic = departures.missed(connection, channel, point);
      if (missedOfTopic !== undefined) missed.set(channel, missedOfTopic);
    }
    return missed;
  }

  /** Topics without a channel count for the rate and the share of the address. */
  #mayHave({ address }: Connection, topics: readonly Topic[]): boolean {
    const { hub, shares, rates } = this.#options;
    let fresh = 0;
    for (const topic of topics) if (hub.channel(topic) === undefined) fresh++;
    return rates.takeTopics(address, fresh) && shares.allows(address, topics);
  }

  #begin(connection: Connection, writer: ByteWriter): void {
    const { counters, heartbeats, presence, expiries } = this.#options;
    connection.attach(writer);
    this.byId.set(connection.id, connection);
    counters.connects++;
    heartbeats.add(connection);
    expiries.watch(connection);
    presence.came(connection.identity);
  }

  /** Writes the first event: where each topic resumes. `points` is absent without a position. */
  #greet(
    connection: Connection,
    channels: readonly HubChannel[],
    points: ReadonlyMap<HubChannel, ResumePoint> | undefined,
  ): Map<HubChannel, TopicPosition> {
    const { counters, heartbeatMs, random } = this.#options;
    const standings = new Map<HubChannel, TopicPosition>();
    let topicsText = "";
    for (const channel of channels) {
      const { from, recovered } = points?.get(channel) ?? resumeAtHead(channel);
      standings.set(channel, from);
      // As text: an object with topics as keys would be a new shape to the engine for each connect.
      const { topic, batched } = channel;
      topicsText += topicsText === "" ? "" : ",";
      topicsText += `"${topic}":{"head":${batched.seq},"recovered":${recovered}}`;
      if (!recovered) counters.unrecovered++;
    }
    const ids = `"connectionId":"${connection.id}","heartbeatMs":${heartbeatMs}`;
    const first = `{${ids},"topics":{${topicsText}}}`;
    // A random `retry` for each client spreads the reconnects when this frontend dies.
    const retryMs = Math.round(RETURN_SPREAD_MS * (RETURN_FLOOR + random() * (1 - RETURN_FLOOR)));
    void connection.writeText(
      `retry: ${retryMs}\n${formatFrame(formatStandings(standings), "connection", first)}`,
    );
    return standings;
  }

  /**
   * After a lost replay, the topics are verified, so that the client does not retry the same one.
   */
  fail(connection: Connection, error: unknown): void {
    if (error instanceof ReplayLostError)
      for (const { channel } of connection.subscriptions) this.#options.onReplayLost(channel);
    this.end(connection, "error");
  }

  /** The stream has ended, from either side. */
  closed(connection: Connection, reason: CloseReason): void {
    if (connection.closed) return;
    const { admission, counters, departures, heartbeats, subscriptions } = this.#options;
    departures.note(connection);
    connection.closed = true;
    connection.update();
    if (connection.pendingSince !== 0) counters.slow--;
    counters.closes[reason] = (counters.closes[reason] ?? 0) + 1;
    this.byId.delete(connection.id);
    heartbeats.remove(connection);
    subscriptions.removeAll(connection);
    admission.leave(connection.address);
  }

  /**
   * Ends a connection with a `reconnect` event, at a random time: clients do not return in step.
   */
  end(connection: Connection, reason: CloseReason): void {
    if (connection.closed) return;
    const afterMs = Math.round(
      reason === "token-expired" ? 0 : this.#options.random() * RETURN_SPREAD_MS,
    );
    const { writer } = connection;
    const isSlow = connection.pendingSince !== 0;
    if (!isSlow) void connection.writeText(formatReconnect(afterMs, reason));
    this.closed(connection, reason);
    // A clean end would wait for a peer that does not read: its bytes and socket would stay.
    if (isSlow) writer?.cut();
    else writer?.end();
  }

  /**
   * Admits no further connection, and ends those that are open: `perSecond` a second, or as many as
   * it takes to end all within `withinMs`.
   */
  async drain(withinMs: number, perSecond: number): Promise<void> {
    const { admission, steady } = this.#options;
    admission.draining = true;
    const until = steady.now() + withinMs;
    const perStep = Math.max(
      1,
      Math.ceil((perSecond * DRAIN_STEP_MS) / 1000),
      Math.ceil((this.byId.size * DRAIN_STEP_MS) / Math.max(DRAIN_STEP_MS, withinMs)),
    );
    while (this.byId.size > 0 && steady.now() < until) {
      for (const connection of [...this.byId.values()].slice(0, perStep))
        this.end(connection, "drain");
      if (this.byId.size > 0)
        await new Promise<void>((resolve) => steady.after(DRAIN_STEP_MS, resolve));
    }
    for (const connection of [...this.byId.values()]) this.end(connection, "drain");
  }
}
